"""What an objective is told by a trainer of transformers, and how it is saved with its checkpoints."""

import os
from typing import Any

import torch
from transformers import TrainerCallback

from .objective import Objective

FILE = "mixcse_objective.pt"


class ObjectiveCallback(TrainerCallback):
    """Tells an objective the step, the epoch and how many batches make a step; clears its gradients after each step;
    saves it in each checkpoint as mixcse_objective.pt, and reads it back where a run goes on from one."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective

    def _path(self, args: Any, state: Any) -> str:
        return os.path.join(args.output_dir, f"checkpoint-{state.global_step}", FILE)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.objective.gradient_accumulation = args.gradient_accumulation_steps
        self.objective.total_steps = max(state.max_steps, 0)
        path = self._path(args, state)
        if state.global_step > 0 and os.path.exists(path):
            self.objective.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.objective.epoch = state.epoch or 0.0

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # Trainers clear the gradients of the model only.
        self.objective.zero_grad()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        path = self._path(args, state)
        if state.is_world_process_zero and os.path.isdir(os.path.dirname(path)):
            torch.save(self.objective.state_dict(), path)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs is not None and "loss" in logs:
            logs.update({f"mixcse/{name}": value for name, value in self.objective.metrics.items()})
