"""Any strategy as a loss for SentenceTransformerTrainer.

    from mixcse.sentence_transformers import StrategyLoss
    loss = StrategyLoss(model, "infonce+mixcse:lambda=0.3")
    SentenceTransformerTrainer(
        model=model, args=args, train_dataset=data, loss=loss, callbacks=[loss.callback()]).train()
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from ._caching import cached
from ._errors import ArgumentError
from ._library import logger
from ._texts import text_ids
from ._trainer import ObjectiveCallback
from .objective import Objective


def _width(model: Any) -> int:
    """Of the embeddings in training: truncate_dim is for encode alone."""
    width = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    with model.truncate_embeddings(None):
        found = width()
    if found is None:
        raise ArgumentError("dimension: expected a model that says how wide its embeddings are, found one that does "
                            "not; say it: StrategyLoss(model, strategy, dimension=768)", 64)
    return int(found)


class StrategyLoss(nn.Module):
    """A strategy of mixcse on the embeddings of a SentenceTransformer.

    Data: one column of texts (each text is its own positive; dropout tells the two apart, as in SimCSE), two (anchor,
    positive) or three (anchor, positive, hard negative). A column `label` or `score` reaches the strategy: numbers with
    a point as scores, whole numbers as classes (rows of one class are each other's positives); labels="scores" or
    "classes" decides for all.

    strategy, temperature, seed and all other settings: those of mixcse.Objective, which is `loss.objective`. dimension:
    of the embeddings, where the model does not say it.

    Gradient accumulation: the rows of one call are compared with each other only, so accumulating makes no larger
    batch of negatives. mini_batch_size does: the loss of the whole batch with the memory of so many rows (GradCache),
    at the price of a second forward pass. Strategies that remember take in every batch once.

    callback() tells the strategy where the run stands, saves what it remembers with each checkpoint, and puts its
    metrics into the log. Of several losses each has one by its name: callbacks=[loss.callback(name) for name, loss in
    losses.items()].
    """

    def __init__(
        self, model: Any, strategy: str, *, dimension: int | None = None, labels: str = "auto",
        mini_batch_size: int | None = None, **settings: Any
    ) -> None:
        super().__init__()
        if labels not in ("auto", "scores", "classes", "none"):
            raise ArgumentError(f"labels: expected auto, scores, classes or none, found '{labels}'", 64)
        if mini_batch_size is not None and mini_batch_size < 1:
            raise ArgumentError(f"mini_batch_size: expected 1 or more, found {mini_batch_size}", 64)
        # The trainer puts the wrapped model in its place here.
        self.model = model
        #: The strategy by itself.
        self.objective = Objective(strategy, dimension=dimension or _width(model), **settings)
        self.labels, self.mini_batch_size = labels, mini_batch_size
        learned = [name for name, _ in self.objective.named_parameters()]
        if learned:
            factors = ", ".join(f"{group['lr']:g}" for group in self.objective.parameter_groups(1.0))
            logger.warning(
                "%s learns %s: give the trainer callbacks=[loss.callback()], without which older trainers never clear "
                "their gradients, and their learning rates, the model's times %s, with args.learning_rate_mapping",
                strategy, ", ".join(learned), factors)

    def callback(self, name: str = "") -> ObjectiveCallback:
        """For the trainer's `callbacks`; name: where it has several losses, that of this one's data set."""
        return ObjectiveCallback(self.objective, name)

    def forward(
        self, sentence_features: Iterable[dict[str, torch.Tensor]], labels: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The loss of a batch; sentence_features: the tokens of each column."""
        columns = list(sentence_features)
        if not 1 <= len(columns) <= 3:
            raise ArgumentError(
                f"data: expected 1 to 3 columns of texts (anchor, positive, hard negative), found {len(columns)}; take "
                "the others out (dataset.select_columns)", 65)
        # Tokens of one column twice: dropout makes two views of them.
        views = columns if len(columns) > 1 else columns * 2
        z = [self._embed(dict(view)) for view in views]
        if z[0].shape[-1] < self.objective.dimension:
            raise ArgumentError(
                f"embeddings: expected {self.objective.dimension} numbers, found {z[0].shape[-1]}: a strategy has one "
                "width, so MatryoshkaLoss around it is not possible; mixcse train --dims trains nested widths", 65)
        loss: torch.Tensor = self.objective(*z, text_ids=text_ids(columns[0]), **self._supervision(labels))
        return loss

    def _embed(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        def embed(part: dict[str, torch.Tensor]) -> torch.Tensor:
            z: torch.Tensor = self.model(part)["sentence_embedding"]
            return z

        if self.mini_batch_size is None:
            return embed(features)
        devices = {parameter.device for parameter in self.model.parameters()}
        # DataParallel computes on more devices than its parameters are on.
        copies = getattr(self.model, "device_ids", None) or []
        devices |= {torch.device(device.type, index) for device in devices for index in copies}
        return cached(embed, features, self.mini_batch_size, devices)

    def _supervision(self, labels: torch.Tensor | None) -> dict[str, torch.Tensor]:
        if labels is None or self.labels == "none":
            return {}
        is_score = labels.is_floating_point() if self.labels == "auto" else self.labels == "scores"
        return {"scores": labels} if is_score else {"labels": labels}

    def get_config_dict(self) -> dict[str, Any]:
        """What a model card says of the loss."""
        return {"strategy": self.objective.strategy, "labels": self.labels, "mini_batch_size": self.mini_batch_size}
