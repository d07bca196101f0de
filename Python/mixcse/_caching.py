"""Batches larger than memory: embeddings without gradients first, the loss of them all, then each part once more with
the gradient that arrived at it. The loss sees the whole batch; only as many activations exist as a part has.

Source: Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", RepL4NLP 2021
(GradCache).
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch

Features = dict[str, torch.Tensor]


def cached(embed: Callable[[Features], torch.Tensor], features: Features, size: int) -> torch.Tensor:
    """embed(features) in parts of `size` rows: a leaf tensor [rows, width] whose gradient goes on through `embed`, part
    by part and with the same random numbers, once it is there."""
    parts = list(_parts(features, size))
    draws, rows = [], []
    with torch.no_grad():
        for part in parts:
            draws.append(_Draws(part))
            rows.append(embed(dict(part)))
    whole = torch.cat(rows).requires_grad_()

    def send_on(leaf: torch.Tensor) -> None:
        assert leaf.grad is not None, "PyTorch calls this when there is one"
        gradients = leaf.grad.split([len(part) for part in rows])
        leaf.grad = None
        for part, draw, gradient in zip(parts, draws, gradients):
            with torch.enable_grad(), draw:
                again = embed(dict(part))
            again.backward(gradient.to(again.dtype))

    if torch.is_grad_enabled():
        whole.register_post_accumulate_grad_hook(send_on)
        return whole
    return whole.detach()


def _parts(features: Features, size: int) -> Iterator[Features]:
    count = max(len(value) for value in features.values() if isinstance(value, torch.Tensor) and value.ndim)
    for start in range(0, count, size):
        yield {
            name: value[start : start + size]
            if isinstance(value, torch.Tensor) and value.ndim and len(value) == count else value
            for name, value in features.items()
        }


class _Draws:
    """Where the random numbers stand now, to be drawn once more."""

    def __init__(self, part: Features) -> None:
        devices = {value.device for value in part.values() if isinstance(value, torch.Tensor) and value.is_cuda}
        self._devices = [device.index for device in devices]
        self._cpu = torch.get_rng_state()
        self._cuda = [torch.cuda.get_rng_state(device) for device in self._devices]

    def __enter__(self) -> None:
        self._fork = torch.random.fork_rng(devices=self._devices, enabled=True)
        self._fork.__enter__()
        torch.set_rng_state(self._cpu)
        for device, state in zip(self._devices, self._cuda):
            torch.cuda.set_rng_state(state, device)

    def __exit__(self, *error: Any) -> None:
        self._fork.__exit__(*error)
