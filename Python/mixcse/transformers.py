"""Any strategy in a Trainer of transformers, for encoders without sentence-transformers around them.

    from mixcse.transformers import StrategyTrainer
    trainer = StrategyTrainer(model, "infonce+mixcse:lambda=0.3", tokenizer, args=args, train_dataset=data)
    trainer.train()
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import transformers
from torch import nn

from ._errors import ArgumentError
from ._texts import text_ids
from ._trainer import ObjectiveCallback
from .objective import Objective

Pooler = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _first(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return states[:, 0]


def _mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1)


POOLERS: dict[str, Pooler] = {"cls": _first, "avg": _mean}


class TextCollator:
    """Rows with texts to one batch of tokens, the views one below the other: anchors, positives[, hard negatives].

    columns: which columns hold these, one to three; None: those of the first row that hold texts, in their order. One
    column: each text is its own positive. Columns `score` and `label` come along.
    """

    def __init__(self, tokenizer: Any, columns: Sequence[str] | None = None, max_length: int | None = None) -> None:
        self.tokenizer, self.columns, self.max_length = tokenizer, columns, max_length

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        names = list(self.columns or [name for name, value in rows[0].items() if isinstance(value, str)])
        if not 1 <= len(names) <= 3:
            raise ArgumentError(
                f"data: expected 1 to 3 columns of texts (anchor, positive, hard negative), found {names}; name them: "
                "TextCollator(tokenizer, columns=[...])", 65)
        views = names if len(names) > 1 else names * 2
        batch = dict(self.tokenizer(
            [row[name] for name in views for row in rows], padding=True, truncation=True, max_length=self.max_length,
            return_tensors="pt"))
        batch["views"] = len(views)
        if "score" in rows[0]:
            batch["scores"] = torch.tensor([float(row["score"]) for row in rows])
        if "label" in rows[0]:
            batch["classes"] = torch.tensor([int(row["label"]) for row in rows])
        return batch


class StrategyTrainer(transformers.Trainer):
    """A Trainer whose loss is a strategy of mixcse on pooled token states.

    model: an encoder that returns `last_hidden_state`. pooler: "cls" (the first token), "avg" (the mean of all), or a
    function of states [rows, tokens, width] and mask [rows, tokens]. settings: those of mixcse.Objective, which is
    `trainer.objective`. Everything else: as for Trainer; without a data_collator there is a TextCollator.

    What the strategy learns is optimised with the learning rates that it asks for; what it remembers is saved with each
    checkpoint and read back by resume_from_checkpoint. Gradient accumulation: the rows of one batch are compared with
    each other only.
    """

    def __init__(
        self, model: Any, strategy: str, tokenizer: Any, *, pooler: str | Pooler = "cls",
        dimension: int | None = None, settings: dict[str, Any] | None = None, **arguments: Any,
    ) -> None:
        if isinstance(pooler, str) and pooler not in POOLERS:
            raise ArgumentError(f"pooler: expected {', '.join(POOLERS)} or a function, found '{pooler}'", 64)
        self.pooler = POOLERS[pooler] if isinstance(pooler, str) else pooler
        #: The strategy by itself.
        self.objective: Objective = Objective(
            strategy, dimension=dimension or model.config.hidden_size, **(settings or {}))
        arguments.setdefault("data_collator", TextCollator(tokenizer))
        args = arguments.setdefault("args", transformers.TrainingArguments("tmp_trainer"))
        # The texts are no arguments of the model.
        args.remove_unused_columns = False
        super().__init__(model=model, processing_class=tokenizer, **arguments)
        # The loss is a mean over rows: whoever accumulates divides it by the number of batches.
        self.model_accepts_loss_kwargs = False
        self.add_callback(ObjectiveCallback(self.objective))

    def create_optimizer(self, *arguments: Any, **more: Any) -> torch.optim.Optimizer:
        """The usual optimiser, with what the strategy learns."""
        is_new = self.optimizer is None
        optimizer = super().create_optimizer(*arguments, **more)
        if is_new:
            for group in self.objective.parameter_groups(self.args.learning_rate, self.args.weight_decay):
                optimizer.add_param_group(group)
        return optimizer

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss of a batch of TextCollator."""
        inputs = dict(inputs)
        views = inputs.pop("views")
        known = {"scores": inputs.pop("scores", None), "labels": inputs.pop("classes", None)}
        states = model(**inputs).last_hidden_state
        z = self.pooler(states, inputs["attention_mask"]).chunk(views)
        ids = text_ids(inputs)
        loss = self.objective(*z, text_ids=None if ids is None else ids[: len(z[0])], **known)
        return (loss, {"embeddings": z}) if return_outputs else loss

    def prediction_step(
        self, model: nn.Module, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: Any = None
    ) -> tuple[torch.Tensor, None, None]:
        """Evaluation: the loss alone."""
        with torch.no_grad():
            return self.compute_loss(model, self._prepare_inputs(inputs)).detach(), None, None
