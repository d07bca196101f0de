"""Which rows of a batch hold the same text, told from their tokens."""

import torch

# Odd, so that a power of it is never 0 modulo 2^64 (Knuth's MMIX).
_MULTIPLIER = 6364136223846793005


def text_ids(features: dict[str, torch.Tensor]) -> torch.Tensor | None:
    """A number for each row, equal for equal tokens and hardly ever else, on every rank alike; None without tokens.

    Texts are padded, [rows, tokens], or one behind the other, [1, tokens], between the places cu_seq_lens_q.
    """
    tokens, ends = features.get("input_ids"), features.get("cu_seq_lens_q")
    if tokens is None or tokens.ndim != 2:
        return None
    tokens = tokens.to(torch.int64)
    powers = torch.full((tokens.shape[1],), _MULTIPLIER, dtype=torch.int64, device=tokens.device).cumprod(0)
    # Sums and products wrap.
    if ends is not None:
        ends = ends.to(tokens.device, torch.int64)
        places = torch.arange(tokens.shape[1], device=tokens.device)
        places = places - ends[:-1].repeat_interleave(ends.diff())
        sums = torch.nn.functional.pad(((tokens[0] + 1) * powers[places]).cumsum(0), (1, 0))
        return sums[ends].diff()
    mask = features.get("attention_mask")
    mask = torch.ones_like(tokens) if mask is None else mask.to(torch.int64)
    # Tokens count from the first that is one, whichever side is padded.
    places = (mask.cumsum(1) - 1).clamp(min=0)
    return ((tokens + 1) * mask * powers[places]).sum(1)
