"""What an objective is told by a trainer of transformers, and how it is saved with its checkpoints."""

import os
from typing import Any

import torch
from transformers import TrainerCallback

from ._errors import ArgumentError
from ._library import logger
from .objective import Objective


class ObjectiveCallback(TrainerCallback):
    """Tells an objective the step, the epoch and how many batches make a step; clears its gradients after each step;
    saves it in each checkpoint as mixcse_objective.pt, and reads it back where a run goes on from one.

    name: of one of several losses of a trainer; its file is mixcse_objective_NAME.pt then, and its metrics are
    mixcse/NAME/....
    """

    def __init__(self, objective: Objective, name: str = "") -> None:
        if os.sep in name:
            raise ArgumentError(f"name: expected the name of a file, found '{name}'", 64)
        self.objective, self.name = objective, name

    def _path(self, args: Any, state: Any) -> str:
        # Ranks that keep to their own rows remember other ones.
        rank = "" if self.objective.gather or args.process_index == 0 else f"rank{args.process_index}"
        file = "_".join(part for part in ("mixcse_objective", self.name, rank) if part)
        return os.path.join(args.output_dir, f"checkpoint-{state.global_step}", file + ".pt")

    def _claim_name(self, state: Any) -> None:
        """Two callbacks of one name would read and write the same file."""
        claimed = vars(state).setdefault("_mixcse_callbacks", {})
        if claimed.setdefault(self.name, id(self)) != id(self):
            raise ArgumentError(
                f"callbacks: expected a name for each of several losses, found '{self.name}' twice; name them: "
                "callbacks=[loss.callback(name) for name, loss in losses.items()]", 64)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._claim_name(state)
        self.objective.gradient_accumulation = args.gradient_accumulation_steps
        self.objective.total_steps = max(state.max_steps, 0)
        path = self._path(args, state)
        if state.global_step > 0 and os.path.exists(path):
            self.objective.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
        elif state.global_step > 0:
            logger.warning(
                "the run goes on after step %d, but %s is not there: what the strategy remembers and learns begins "
                "anew. Checkpoints are looked for in args.output_dir, and are written with this callback",
                state.global_step, path)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.objective.step, self.objective.epoch = state.global_step, state.epoch or 0.0

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # Trainers clear the gradients of the model only.
        self.objective.zero_grad()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        path = self._path(args, state)
        writes = state.is_world_process_zero or not self.objective.gather
        if writes and os.path.isdir(os.path.dirname(path)):
            torch.save(self.objective.state_dict(), path)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs is not None and "loss" in logs:
            prefix = f"mixcse/{self.name}/" if self.name else "mixcse/"
            logs.update({prefix + name: value for name, value in self.objective.metrics.items()})
