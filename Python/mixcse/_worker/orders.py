"""What an order for a model of transformers says, looked up: device, configuration, dropout."""

from typing import Any

from .file import Refused, explain

#: Numbers of a configuration that concern other heads, or whole layers.
_OTHER_DROPOUT = ("classif", "layerdrop", "layer_drop", "qa_", "summary", "pooler")


def device(torch: Any, text: str, rank: int, size: int) -> Any:
    """The device that is named; without a number, of `size` processes on this machine number `rank`'s own."""
    try:
        found = torch.device(text)
    except RuntimeError as error:
        raise Refused(f"--device: expected cpu, cuda or cuda:N, found '{text}'") from error
    if found.type not in ("cpu", "cuda"):
        raise Refused(f"--device: expected cpu, cuda or cuda:N, found '{text}'")
    if found.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        # A launcher may let each process see no other than its own, which has number 0 for all of them.
        if found.index is None and size > 1 and count > 1:
            if count < size:
                raise Refused(f"expected a CUDA device for each of the {size} processes on this machine, found "
                              f"{count}. Start {count}, or name one for all: --device cuda:0")
            found = torch.device("cuda", rank)
        if (found.index or 0) >= count:
            raise Refused(f"--device {text}: expected a device that torch {torch.__version__} sees, found "
                          f"{count} of them; --device cpu computes on processors")
    return found


def configuration(transformers: Any, order: dict[str, Any]) -> Any:
    """The config.json of the folder that is ordered, for an encoder."""
    try:
        config = transformers.AutoConfig.from_pretrained(
            order["folder"], local_files_only=True, trust_remote_code=False, **order["overrides"])
    except (ValueError, KeyError, OSError, TypeError) as error:
        raise Refused(f"transformers {transformers.__version__} cannot read the model's config.json: "
                      f"{explain(error, '')}") from error
    if getattr(config, "is_encoder_decoder", False):
        raise Refused(f"expected an encoder, found an encoder with a decoder ({config.model_type})")
    config.use_cache = False
    if hasattr(config, "reference_compile"):
        config.reference_compile = False
    return config


def dropout(config: Any, asked: float | None) -> tuple[float, float]:
    """Of hidden states and of attention, as the model has them, or all as asked for."""
    names = [
        name for name, value in config.to_dict().items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
        and ("dropout" in name or name.endswith(("pdrop", "drop_prob")))
        and not any(other in name for other in _OTHER_DROPOUT)]
    if asked is not None:
        if asked > 0 and not names:
            raise Refused(f"--dropout {asked}: expected a model with a dropout to set, found none in the "
                          f"configuration of {config.model_type}; leave --dropout out")
        for name in names:
            setattr(config, name, asked)
    found = {name: float(getattr(config, name)) for name in names}
    attention = [rate for name, rate in found.items() if "att" in name]
    hidden = [rate for name, rate in found.items() if "att" not in name]
    return max(hidden, default=0.0), max(attention, default=0.0)
