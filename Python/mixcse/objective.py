"""A strategy as a PyTorch module: embeddings in, a loss out that backward() goes through."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from . import _library as lib
from ._engine import BatchData, EncodingInfo, Engine, TensorInfo, context
from ._errors import ArgumentError
from ._ranks import Ranks


class Objective(nn.Module):
    """A strategy of mixcse on embeddings that PyTorch computed.

        objective = mixcse.Objective("infonce+mixcse:lambda=0.3", dimension=768)
        loss = objective(model(anchors), model(positives))
        loss.backward()

    strategy: as `mixcse compare` takes it, with any plugin: "simcse", "mixcse:lambda=0.3",
    "infonce+mixcse+queue:size=256", "0.5*infonce+./libmine.so:mine:strength=2". dimension: the width of the embeddings.
    temperature: of every loss that has one; None: each loss's own (0.05 of infonce). seed: of the random numbers that
    plugins draw.

    Tensors may be on any device, all of a call on the same, and of any floating type; the strategy is computed in
    float32 on the CPU, by the code of the program, and gradients come back as the tensors are, multiplied in float32
    with what arrives at the loss (a GradScaler's factor). Where torch.distributed is initialised, every rank
    compares the rows of all ranks: the loss is that of the whole batch, on each of them alike, and the gradients of own
    rows are multiplied by the number of ranks, since DistributedDataParallel averages over these.

    Each call in training mode with gradients is one batch: it has its own random numbers, and plugins that remember (a
    queue of negatives) take it in. Without gradients or after eval() nothing is remembered.

    What plugins learn (SigLIP's scale and bias; with learn_temperature the logarithm of the temperature) are parameters
    of this module: give them to the optimiser, best with `parameter_groups`, which knows their learning rates. What
    they remember is in state_dict(): a run that is saved and loaded goes on to the bit.

    More settings:
        hard_negative_weight: added to the logit of each row's own hard negative, z3.
        rows: the largest batch that is expected, over all ranks; larger ones are planned for when they come.
        guides: the widths of frozen encoders whose vectors come with each batch (gist, distill).
        encodings: True: the caller gives what the strategy needs beside embeddings (see `encodings`).
        gradient_accumulation: calls that make one optimiser step; plugins are told the step.
        gather, process_group: False: each rank keeps to its own rows; among which processes rows are gathered.
        plugin_folders: searched for plugins before all others. threads: 0 for the processors there are.
    """

    def __init__(
        self, strategy: str, dimension: int, temperature: float | None = None, seed: int = 42, *,
        learn_temperature: bool = False, hard_negative_weight: float = 0.0, rows: int = 64, guides: Sequence[int] = (),
        encodings: bool = False, gradient_accumulation: int = 1, gather: bool = True, process_group: Any = None,
        plugin_folders: Sequence[str | os.PathLike[str]] = (), threads: int = 0,
    ) -> None:
        super().__init__()
        if temperature is not None and not temperature > 0:
            raise ArgumentError(f"temperature: expected a number above 0, found {temperature}", 64)
        if gradient_accumulation < 1:
            raise ArgumentError(f"gradient_accumulation: expected 1 or more, found {gradient_accumulation}", 64)
        self._settings: dict[str, Any] = {
            "strategy": strategy, "width": dimension, "rows": rows, "guides": tuple(guides), "seed": seed,
            "temperature": temperature, "learn_temperature": learn_temperature,
            "hard_negative_weight": hard_negative_weight}
        self._opening = (tuple(os.fspath(folder) for folder in plugin_folders), threads)
        self.gradient_accumulation, self.gather, self.process_group = gradient_accumulation, gather, process_group
        #: Optimiser steps so far, for plugins that go by them; None: told from batches and gradient_accumulation.
        self.step: int | None = None
        #: Optimiser steps that there will be, for plugins that go by them; 0: not known.
        self.total_steps = 0
        #: The epoch with its fraction, for plugins that go by it.
        self.epoch = 0.0
        #: Batches so far.
        self.batches = 0
        self._engine = self._open()
        if self.encodings and not encodings:
            raise ArgumentError(
                f"{strategy} needs vectors of each batch beside its embeddings: "
                + ", ".join(item.text for item in self.encodings) + ". Make them yourself and give them with each "
                "batch (Objective(..., encodings=True)), or train with the program, mixcse train, which makes them", 64)
        self._tensors = self._engine.tensors(lib.PARAMETERS)
        for index, info in enumerate(self._tensors):
            values = torch.from_numpy(self._engine.read(lib.PARAMETERS, index, info))
            self.register_parameter(_attribute(info), nn.Parameter(values))

    def _open(self) -> Engine:
        return Engine(**self._settings, shared=context(*self._opening))

    @property
    def dimension(self) -> int:
        """The width of the embeddings."""
        return int(self._settings["width"])

    @property
    def strategy(self) -> str:
        """The strategy in full: "sampler:mixcse:lambda=0.3 loss:infonce"."""
        return self._engine.text

    @property
    def encodings(self) -> list[EncodingInfo]:
        """What comes with each batch beside its embeddings, in this order; mostly nothing."""
        return self._engine.encodings()

    @property
    def metrics(self) -> dict[str, float]:
        """Figures of the last batch by the names of the program's metrics.jsonl: "positiveLogit", "mixcse.lambda"."""
        return self._engine.metrics()

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """What the rows of the last batch were compared with: label, sampler, negatives, mean_logit and more."""
        return self._engine.blocks()

    def set(self, name: str, value: object) -> None:
        """Sets a parameter of a plugin by the name of its instance, objective.set("mixcse.lambda", 0.3)."""
        self._engine.set(name, value)

    def parameter_groups(self, learning_rate: float, weight_decay: float = 0.0) -> list[dict[str, Any]]:
        """What plugins learn as groups for an optimiser, with the learning rates that they ask for."""
        return [
            {"params": [getattr(self, _attribute(info))], "lr": learning_rate * info.learning_rate_factor,
             "weight_decay": weight_decay if info.decays else 0.0}
            for info in self._tensors
        ]

    def extra_repr(self) -> str:
        return f"'{self._settings['strategy']}', dimension={self.dimension}"

    # The loss

    def forward(
        self, z1: torch.Tensor, z2: torch.Tensor, z3: torch.Tensor | None = None, *,
        scores: torch.Tensor | Sequence[float] | None = None, labels: torch.Tensor | Sequence[int] | None = None,
        row_ids: torch.Tensor | Sequence[int] | None = None, text_ids: torch.Tensor | Sequence[int] | None = None,
        encodings: Sequence[torch.Tensor] = (),
    ) -> torch.Tensor:
        """The loss of a batch, a float32 scalar on the device of z1.

        z1, z2, z3: anchors, positives and hard negatives, [rows, dimension] each; they need not be normalised. scores:
        how much anchor and positive belong together. labels: classes of the rows. row_ids: which row of the data each
        is. text_ids: equal exactly where the anchors' texts are. encodings: a tensor for each of `self.encodings`.
        """
        views = [view for view in (z1, z2, z3) if view is not None]
        self._check(views)
        learned = [getattr(self, _attribute(info)) for info in self._tensors]
        tensors = [*views, *learned]
        wants = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
        ranks = Ranks(self.process_group, self.gather)
        ranks.begin(len(z1), z1.device)
        data = BatchData(
            row_ids=_column(row_ids, np.int64, "row_ids", z1, ranks),
            text_ids=_column(text_ids, np.int64, "text_ids", z1, ranks),
            scores=_column(scores, np.float32, "scores", z1, ranks),
            classes=_column(labels, np.int64, "labels", z1, ranks),
            encodings=[_numpy(ranks.gather(rows.detach())) for rows in encodings],
            step=self.batches // self.gradient_accumulation if self.step is None else self.step,
            total_steps=self.total_steps, epoch=self.epoch, batch=self.batches)
        loss: torch.Tensor = _Loss.apply(self, ranks, data, wants, len(views), *tensors)
        if wants and self.training:
            self._engine.commit()
            self.batches += 1
        return loss

    def _check(self, views: Sequence[torch.Tensor]) -> None:
        for index, view in enumerate(views):
            if not isinstance(view, torch.Tensor) or not view.is_floating_point():
                found = view.dtype if isinstance(view, torch.Tensor) else type(view).__name__
                raise ArgumentError(f"z{index + 1}: expected a tensor of floating-point numbers, found {found}", 65)
            if view.device != views[0].device:
                raise ArgumentError(
                    f"z{index + 1}: expected a tensor on {views[0].device}, where z1 is, found one on {view.device}; "
                    f"move it there: z{index + 1}.to(z1.device)", 65)
            expected = (len(views[0]), self.dimension) if views[0].ndim else (0, self.dimension)
            if tuple(view.shape) != expected or not len(view):
                raise ArgumentError(
                    f"z{index + 1}: expected [{expected[0] or 'rows'}, {self.dimension}], found {list(view.shape)}", 65)

    def _evaluate(
        self, ranks: Ranks, data: BatchData, wants: bool, views: Sequence[torch.Tensor],
        learned: Sequence[torch.Tensor],
    ) -> tuple[float, list[torch.Tensor]]:
        """The loss, and the gradients of own rows and of the parameters, float32 where the tensors are."""
        for index, parameter in enumerate(learned):
            self._engine.write(lib.PARAMETERS, index, _numpy(parameter))
        whole = [_numpy(ranks.gather(view)) for view in views]
        loss, found = self._engine.evaluate(whole, data, wants)
        if not wants:
            return loss, []
        # DistributedDataParallel takes the mean over the ranks of what each of them has.
        gradients = [torch.from_numpy(gradient[ranks.own] * np.float32(ranks.count)) for gradient in found]
        gradients += [
            torch.from_numpy(self._engine.read(lib.GRADIENTS, index, info)) for index, info in enumerate(self._tensors)]
        return loss, [gradient.to(like.device) for gradient, like in zip(gradients, [*views, *learned])]

    # Saving

    def get_extra_state(self) -> dict[str, Any]:
        """What plugins remember and where the random numbers stand; part of state_dict()."""
        states = {
            info.name: torch.from_numpy(self._engine.read(lib.STATES, index, info))
            for index, info in enumerate(self._engine.tensors(lib.STATES))}
        return {"strategy": self.strategy, "seed": self._settings["seed"], "batches": self.batches, "states": states}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        for name, own in (("strategy", self.strategy), ("seed", self._settings["seed"])):
            if state[name] != own:
                raise ArgumentError(f"state_dict: expected the {name} '{own}', found '{state[name]}'; make the "
                                    "Objective as the one that was saved", 64)
        known = self._engine.tensors(lib.STATES)
        found = {info.name: info.shape for info in known}
        saved = {name: tuple(values.shape) for name, values in state["states"].items()}
        if found != saved:
            raise ArgumentError(f"state_dict: expected the states {found}, found {saved}; use the plugins that it was "
                                "saved with", 64)
        for index, info in enumerate(known):
            self._engine.write(lib.STATES, index, _numpy(state["states"][info.name], info.dtype))
        self.batches = int(state["batches"])

    def __getstate__(self) -> dict[str, Any]:
        # The library's part stays in this process; copies open their own, with what it remembers.
        return {**self.__dict__, "_engine": self.get_extra_state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        nn.Module.__setstate__(self, state)
        saved: Any = self._engine
        self._engine = self._open()
        self.set_extra_state(saved)


class _Loss(torch.autograd.Function):
    """The loss with its gradients, which are computed together in the forward pass."""

    @staticmethod
    def forward(
        ctx: Any, objective: Objective, ranks: Ranks, data: BatchData, wants: bool, count: int, *tensors: torch.Tensor
    ) -> torch.Tensor:
        views = [tensor.detach() for tensor in tensors[:count]]
        loss, ctx.gradients = objective._evaluate(ranks, data, wants, views, tensors[count:])
        ctx.kinds = [tensor.dtype for tensor in tensors]
        return torch.tensor(loss, dtype=torch.float32, device=tensors[0].device)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[Any, ...]:
        # In float32: what a GradScaler multiplies by is beyond float16, and what it is to save is below it.
        found = [(gradient.to(own) * own).to(kind) for own, kind in zip(ctx.gradients, ctx.kinds)]
        return (None, None, None, None, None, *found)


def _attribute(info: TensorInfo) -> str:
    """The name of a parameter in the module: PyTorch wants no dots in it."""
    return info.name.replace(".", "_")


def _numpy(tensor: torch.Tensor, dtype: type = np.float32) -> np.ndarray:
    kind = torch.int64 if dtype is np.int64 else torch.float32
    return np.ascontiguousarray(tensor.detach().to("cpu", kind).numpy())


def _column(values: Any, dtype: type, name: str, like: torch.Tensor, ranks: Ranks) -> np.ndarray | None:
    """One number for each row, of all ranks."""
    if values is None:
        return None
    tensor = torch.as_tensor(values)
    if tensor.ndim != 1 or len(tensor) != len(like):
        raise ArgumentError(f"{name}: expected {len(like)}, one for each row, found {list(tensor.shape)}", 65)
    if dtype is np.int64 and (tensor.is_floating_point() or tensor.is_complex()):
        raise ArgumentError(f"{name}: expected whole numbers, found {tensor.dtype}", 65)
    kind = torch.int64 if dtype is np.int64 else torch.float32
    return _numpy(ranks.gather(tensor.to(like.device, kind)), dtype)
