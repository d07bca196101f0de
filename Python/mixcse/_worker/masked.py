"""The head for masked words of a model of transformers (`--mlm`): its tensors by name, and the scores of all words."""

from collections.abc import Callable
from typing import Any

from .file import Refused

#: Before names that a projection head of the host's has, too: as this program's own encoder calls them.
_PREFIX = "masked_words."


class MaskedHead:
    """`whole` is a model of AutoModelForMaskedLM, `base` the part of it that makes hidden states."""

    def __init__(self, whole: Any) -> None:
        self.whole, self.base = whole, whole.base_model
        self.kind = whole.config.model_type
        if self.base is whole:
            raise Refused(f"--mlm: expected a model with a head for masked words above its hidden states, found "
                          f"{type(whole).__name__}, which is in one piece; leave --mlm out")
        self.base_prefix = whole.base_model_prefix + "."
        own = [name for name in whole.state_dict() if not name.startswith(self.base_prefix)]
        self.prefix = _PREFIX if any(name.startswith("head.") for name in own) else ""
        #: How many tensors are the head's own, and what of it the checkpoint lacks.
        self.count, self.lacks = 0, set[str]()

    @property
    def is_pretrained(self) -> bool:
        """Whether the checkpoint had all of it."""
        return not self.lacks

    def name(self, name: str) -> str | None:
        """What the host calls a tensor of `whole`; None: it is none of the head's."""
        return None if name.startswith(self.base_prefix) else self.prefix + name

    def split(self, missing: list[str]) -> list[str]:
        """Of what a checkpoint lacks that which is the base's, by the base's names."""
        self.lacks = {name for given in missing if (name := self.name(given)) is not None}
        return [name.removeprefix(self.base_prefix) for name in missing if name.startswith(self.base_prefix)]

    def took(self, names: list[str]) -> None:
        """Says which tensors are the head's own: whatever else is missing is another name of these, or the base's."""
        self.count, self.lacks = len(names), self.lacks & set(names)

    def scores(self, run: Callable[[], Any], places: Any) -> Any:
        """[M, words]: a pass of `whole` with no more hidden states for its head than those at `places` [M]."""
        def choose(_: Any, __: Any, output: Any) -> Any:
            state = output.last_hidden_state
            output["last_hidden_state"] = state.reshape(-1, state.shape[-1]).index_select(0, places).unsqueeze(0)
            return output

        hook = self.base.register_forward_hook(choose)
        try:
            found = run().logits
        finally:
            hook.remove()
        words = int(self.base.get_input_embeddings().weight.shape[0])
        if found.ndim != 3 or tuple(found.shape[:2]) != (1, len(places)) or found.shape[2] < words:
            raise Refused(f"--mlm: expected from the head of {self.kind} scores of {words} words for each hidden "
                          f"state, found {list(found.shape)} for {len(places)} states; leave --mlm out")
        return found[0]


def expect_head(transformers: Any, config: Any) -> None:
    """Refuses a kind of model for which transformers has no such head."""
    if type(config) not in transformers.MODEL_FOR_MASKED_LM_MAPPING:
        raise Refused(f"--mlm: expected a model with a head for masked words, found {config.model_type}, for which "
                      f"transformers {transformers.__version__} has none; leave --mlm out")
