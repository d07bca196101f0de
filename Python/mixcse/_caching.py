"""Batches larger than memory: embeddings without gradients first, the loss of them all, then each part once more with
the gradient that arrived at it. The loss sees the whole batch; only as many activations exist as a part has.

Source: Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", RepL4NLP 2021
(GradCache).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import torch

from ._errors import ArgumentError

Features = dict[str, torch.Tensor]


def cached(
    embed: Callable[[Features], torch.Tensor], features: Features, size: int, devices: Iterable[torch.device] = (),
) -> torch.Tensor:
    """embed(features) in parts of `size` rows: a leaf tensor [rows, width] whose gradient goes on through `embed`, part
    by part and with the same random numbers and precision, once it is there.

    devices: on which `embed` computes, where the features do not say so.
    """
    parts = list(_parts(features, size))
    used = {*devices, *(value.device for value in features.values() if isinstance(value, torch.Tensor))}
    used = {device for device in used if device.type not in ("cpu", "meta")}
    moments, rows = [], []
    for part in parts:
        moments.append(_Moment(used))
        with torch.no_grad(), moments[-1].autocast():
            rows.append(embed(dict(part)))
    whole = torch.cat(rows).requires_grad_()

    def send_on(leaf: torch.Tensor) -> None:
        assert leaf.grad is not None, "PyTorch calls this when there is one"
        gradients = leaf.grad.split([len(part) for part in rows])
        leaf.grad = None
        for part, moment, gradient in zip(parts, moments, gradients):
            with torch.enable_grad(), moment:
                again = embed(dict(part))
            again.backward(gradient.to(again.dtype))

    if torch.is_grad_enabled():
        whole.register_post_accumulate_grad_hook(send_on)
        return whole
    return whole.detach()


def _parts(features: Features, size: int) -> Iterator[Features]:
    """The features of `size` rows each; what is no tensor with an entry for each row goes with every part."""
    tensors = [value for value in features.values() if isinstance(value, torch.Tensor) and value.ndim]
    tokens = features.get("input_ids")
    if "cu_seq_lens_q" in features or (tokens is not None and tokens.ndim != 2):
        raise ArgumentError(
            "mini_batch_size: expected texts padded to one length, found those of a batch in one row; pad them "
            "(model[0].unpad_inputs = False with flash attention), or leave mini_batch_size out", 65)
    count = len(tokens) if tokens is not None else max(len(value) for value in tensors)
    for start in range(0, count, size):
        yield {
            name: value[start : start + size]
            if isinstance(value, torch.Tensor) and value.ndim and len(value) == count else value
            for name, value in features.items()
        }


class _Moment:
    """Where random numbers stand now and what autocast does, for what is computed once more: backward() is called
    where other ones hold."""

    def __init__(self, devices: Iterable[torch.device]) -> None:
        self._devices = sorted(devices, key=str)
        self._then = self._states()
        kinds = sorted({"cpu", *(device.type for device in self._devices)})
        # Without its cache: weights that were cast without gradients must not be those of the second pass.
        self._settings: list[dict[str, Any]] = [
            {"device_type": kind, "enabled": torch.is_autocast_enabled(kind), "dtype": torch.get_autocast_dtype(kind),
             "cache_enabled": False}
            for kind in kinds if torch.amp.is_autocast_available(kind)]

    def autocast(self) -> ExitStack:
        """As it was, on the CPU and on the devices."""
        with ExitStack() as stack:
            for settings in self._settings:
                stack.enter_context(torch.autocast(**settings))
            return stack.pop_all()

    def _states(self) -> list[torch.Tensor]:
        """The generators' states: the CPU's, then those of the devices."""
        return [torch.get_rng_state(), *(
            torch.get_device_module(device).get_rng_state(device) for device in self._devices)]

    def _put(self, states: list[torch.Tensor]) -> None:
        torch.set_rng_state(states[0])
        for device, state in zip(self._devices, states[1:]):
            torch.get_device_module(device).set_rng_state(state, device)

    def __enter__(self) -> None:
        self._now = self._states()
        self._put(self._then)
        self._stack = self.autocast()

    def __exit__(self, *error: Any) -> None:
        self._stack.close()
        self._put(self._now)
