"""Which rows of a batch hold the same text, told from their tokens."""

import torch

# Odd, so that a power of it is never 0 modulo 2^64 (Knuth's MMIX).
_MULTIPLIER = 6364136223846793005


def text_ids(features: dict[str, torch.Tensor]) -> torch.Tensor | None:
    """A number for each row, equal for equal tokens and hardly ever else, on every rank alike; None without tokens."""
    tokens, mask = features.get("input_ids"), features.get("attention_mask")
    if tokens is None or tokens.ndim != 2:
        return None
    mask = torch.ones_like(tokens) if mask is None else mask.to(tokens.dtype)
    # Tokens count from the first that is one, whichever side is padded; sums and products wrap.
    places = (mask.cumsum(1) - 1).clamp(min=0)
    powers = torch.full((tokens.shape[1],), _MULTIPLIER, dtype=torch.int64, device=tokens.device).cumprod(0)
    return ((tokens.to(torch.int64) + 1) * mask * powers[places]).sum(1)
