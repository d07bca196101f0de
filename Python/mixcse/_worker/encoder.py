"""A model of transformers behind the doorbell: the calls of cse_encoder.h, for `--encoder transformers`.

The host tokenises, pools, compares and writes files; here token ids become hidden states, their gradients those of the
weights, and AdamW moves these. There is no state but the tensors and their moments: dropout is drawn anew for each pass
from the run's seed and the number of the batch.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from . import abi, numbers
from .file import Refused, explain
from .memory import Regions
from .models import Model

_ROOM_FOR_TEXT = 4096


class Encoder:
    """One model, its gradients and its moments. Arguments of calls are addresses in the host's memory."""

    def __init__(self, order: dict[str, Any], regions: Regions) -> None:
        self.model = Model(order)
        self.torch = self.model.torch
        self.regions, self.seed = regions, int(order["seed"])
        self.kept: list[Any] = []
        #: AdamW's moments by number of a tensor, once there are any: encoding alone needs none.
        self.moments: dict[int, tuple[Any, Any]] = {}
        self.calls: tuple[Callable[[int, int], None], ...] = (
            self.encode, self.backward, self.norm, self.step, self.clear, self.get, self.put, self.peak, self.have,
            self.learn)

    def answer(self, function: int, given: list[int]) -> int:
        """Makes a call by its number; the status of the header, with a message at the third address."""
        try:
            self.calls[function](given[0], given[1])
        except self.torch.OutOfMemoryError as error:
            self.kept = []
            if self.model.device.type == "cuda":
                self.torch.cuda.empty_cache()
            text = (f"expected room for this batch on {self.model.device}, found none; take a smaller --batch-size, or "
                    f"--precision bf16: {str(error).splitlines()[0]}")
            return self._fail(given[2], text, abi.NO_MEMORY)
        except BaseException as error:
            self.kept = []
            return self._fail(given[2], str(error) if isinstance(error, Refused) else explain(error, ""), abi.INTERNAL)
        return abi.OK

    def _fail(self, address: int, text: str, status: int) -> int:
        encoded = text.encode("utf-8", "replace")[: _ROOM_FOR_TEXT - 1].decode("utf-8", "ignore").encode() + b"\0"
        self.regions.numbers(address, len(encoded), np.uint8)[:] = np.frombuffer(encoded, np.uint8)
        return status

    # The calls, in the order of their numbers

    def encode(self, address: int, targets: int) -> None:
        """Hidden states of a cse_pass, into the arrays whose addresses stand at `targets`."""
        asked, torch = abi.Pass.from_address(address), self.torch
        self.kept = []
        ids, offsets, rates = self._read(asked)
        layers = self.regions.numbers(asked.layers, asked.n_layers, np.int32).tolist()
        keeps = bool(asked.flags & abi.KEEP)
        with torch.set_grad_enabled(keeps):
            states = self.model.states(ids, offsets, layers, asked.rows, rates)
        for state, target in zip(states, self.regions.pointers(targets, len(states))):
            torch.from_numpy(self.regions.array(target, tuple(state.shape), np.dtype(np.float32))).copy_(state.detach())
        self.kept = states if keeps else []

    def backward(self, _: int, sources: int) -> None:
        """Adds what the gradients of the last kept states cause; their addresses stand at `sources`."""
        kept, self.kept = self.kept, []
        if not kept:
            raise Refused("expected a pass that was kept, found none")
        gradients = [
            self.torch.from_numpy(np.array(self.regions.array(source, tuple(state.shape), np.dtype(np.float32)))).to(
                self.model.device)
            for state, source in zip(kept, self.regions.pointers(sources, len(kept)))]
        self.torch.autograd.backward(kept, gradients)

    def norm(self, target: int, _: int) -> None:
        """The sum of squares of all gradients, added in double."""
        torch = self.torch
        gradients = [tensor.grad for tensor in self.model.tensors if tensor.grad is not None]
        norms = torch._foreach_norm(gradients, dtype=torch.float64) if gradients else []
        self.regions.numbers(target, 1, np.float64)[0] = float(torch.stack(norms).square().sum()) if norms else 0.0

    def step(self, address: int, _: int) -> None:
        """AdamW as the host's own (cse_adamw). What had no gradient stays as it is, as with torch's own."""
        asked, torch = abi.AdamW.from_address(address), self.torch
        count = torch.tensor(float(asked.step), device=self.model.device)
        moving = [place for place, tensor in enumerate(self.model.tensors) if tensor.grad is not None]
        with torch.no_grad():
            if asked.gradient_scale != 1 and moving:
                torch._foreach_mul_([self.model.tensors[place].grad for place in moving], asked.gradient_scale)
            for decays, rate in ((True, asked.weight_decay), (False, 0.0)):
                places = [place for place in moving if self.model.decays[place] == decays]
                if not places:
                    continue
                # All in one operation, since on a device a call for each tensor would wait for launches.
                torch._fused_adamw_(
                    [self.model.tensors[place].detach() for place in places],
                    [self.model.tensors[place].grad for place in places],
                    [self._moments(place)[0] for place in places], [self._moments(place)[1] for place in places], [],
                    [count] * len(places), lr=asked.learning_rate, beta1=asked.beta1, beta2=asked.beta2,
                    weight_decay=rate, eps=asked.epsilon, amsgrad=False, maximize=False)
        self.clear(0, 0)

    def clear(self, _: int, __: int) -> None:
        """Drops all gradients, and what was kept."""
        self.kept = []
        for tensor in self.model.tensors:
            tensor.grad = None

    def get(self, place: int, memory: int) -> None:
        """Copies a stretch of a tensor to the host: [tensor, part, first number, count] stand at `place`."""
        source, target = self._stretch(place, memory, False)
        if source is None:
            target.zero_()
        else:
            target.copy_(source)

    def put(self, place: int, memory: int) -> None:
        """The other way round."""
        target, source = self._stretch(place, memory, True)
        target.copy_(source)

    def peak(self, target: int, _: int) -> None:
        """Bytes of the device taken at most; 0: not known."""
        is_cuda = self.model.device.type == "cuda"
        peak = self.torch.cuda.max_memory_allocated(self.model.device) if is_cuda else 0
        self.regions.numbers(target, 1, np.int64)[0] = peak

    def have(self, target: int, _: int) -> None:
        """For each tensor 1 where it has a gradient, else 0."""
        flags = self.regions.numbers(target, len(self.model.tensors), np.uint8)
        flags[:] = [tensor.grad is not None for tensor in self.model.tensors]

    def learn(self, address: int, places: int) -> None:
        """Guesses words of a cse_pass, and adds the gradients of their loss. At `places` stand the addresses of a
        cse_masked and of the summed loss."""
        masked, target = self.regions.pointers(places, 2)
        asked = abi.Masked.from_address(masked)
        positions = self.regions.numbers(asked.positions, asked.n_positions, np.int64)
        labels = self.regions.numbers(asked.labels, asked.n_positions, np.int32)
        losses = self.model.losses(*self._read(abi.Pass.from_address(address)), positions, labels)
        self.torch.autograd.backward([losses], [self.torch.full_like(losses, asked.factor)])
        self.regions.numbers(target, 1, np.float64)[0] = float(losses.detach().double().sum())

    def _read(self, asked: abi.Pass) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
        """Ids, offsets and rates of a pass, whose dropout is drawn from here on."""
        ids = self.regions.numbers(asked.token_ids, asked.n_tokens, np.int32)
        offsets = self.regions.numbers(asked.offsets, asked.n_seqs + 1, np.int64)
        rates = asked.hidden_dropout, asked.attention_dropout
        if max(rates) > 0:
            seed = numbers.seed(self.seed, asked.batch)
            if asked.first_rows:
                # A part of a batch does not draw what the others do.
                first = self.regions.numbers(asked.first_rows, asked.n_seqs, np.int64)
                seed = numbers.seed(seed, int(first[0]))
            # Without the sign bit, which manual_seed does not take.
            self.torch.manual_seed(seed & 0x7FFFFFFFFFFFFFFF)
        return ids, offsets, rates

    def _stretch(self, place: int, memory: int, writes: bool) -> tuple[Any, Any]:
        """A stretch of a part of a tensor here (None: nothing but zeros), and the host's memory for it."""
        number, part, first, count = self.regions.numbers(place, 4, np.int64).tolist()
        tensor = self.model.tensors[number]
        if part == abi.WEIGHT:
            found = tensor.detach()
        elif part == abi.GRADIENT:
            if writes and tensor.grad is None:
                tensor.grad = self.torch.zeros_like(tensor)
            found = tensor.grad
        else:
            is_there = writes or number in self.moments
            found = self._moments(number)[part - abi.MOMENT1] if is_there else None
        host = self.torch.from_numpy(self.regions.numbers(memory, count, np.float32))
        return None if found is None else found.view(-1)[first: first + count], host

    def _moments(self, number: int) -> tuple[Any, Any]:
        if number not in self.moments:
            tensor = self.model.tensors[number].detach()
            self.moments[number] = self.torch.zeros_like(tensor), self.torch.zeros_like(tensor)
        return self.moments[number]


def main(order: dict[str, Any], regions: Regions, bell: Any, report: Callable[[list[str]], None]) -> None:
    """Loads the model that is ordered, says what it is, and answers until the host is gone."""
    warnings.filterwarnings("ignore")
    # python -c puts the working directory first.
    sys.path[:] = [folder for folder in sys.path if folder]
    try:
        encoder = Encoder(order, regions)
        facts = encoder.model.facts()
    except Refused as error:
        report(["refused", str(error)])
        os._exit(0)
    except BaseException as error:
        report(["refused", explain(error, "")])
        os._exit(0)
    report(["ready", json.dumps(facts)])
    while True:
        while not bell.wait():
            pass
        shared = bell.shared
        bell.answer(encoder.answer(shared.function, [one or 0 for one in shared.arguments]))
