"""Contrastive strategies for sentence encoders, from the engine of the program `mixcse`.

    import mixcse
    objective = mixcse.Objective("infonce+mixcse:lambda=0.3", dimension=768)   # a torch module
    objective(z1, z2).backward()
    mixcse.Encoder("runs/a").encode(["A sentence."])                           # NumPy, [1, width]
    mixcse.Index("runs/a").search("A query.")                                  # after build_index(sentences)
    mixcse.compare(["simcse", "mixcse"], "runs/mixing", model="MODEL", train_file="FILE.txt")  # rows for pandas
    mixcse.run(["train", "--model", "MODEL", "--train-file", "FILE.txt", "--method", "mixcse", "--output-dir", "OUT"])

`mixcse.sentence_transformers.StrategyLoss` is a loss for SentenceTransformerTrainer, `mixcse.transformers.
StrategyTrainer` a trainer of transformers, and `mixcse.plugin` what samplers, losses and poolers in Python are made
with. Documentation/Python.md describes all of it. What a name needs (the library, NumPy, PyTorch) is imported where it
is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import sentence_transformers, transformers
    from ._engine import components, version
    from ._errors import ArgumentError, Error, MissingError, PluginError
    from .comparison import Comparison, compare
    from .encoder import Encoder, Tokenizer
    from .index import Index
    from .objective import Objective
    from .program import program_path, run

    __version__: str

#: Where each name comes from; an empty text: it is a module itself.
_MODULES = {
    "ArgumentError": "_errors", "Comparison": "comparison", "Encoder": "encoder", "Error": "_errors", "Index": "index",
    "MissingError": "_errors", "Objective": "objective", "PluginError": "_errors", "Tokenizer": "encoder",
    "compare": "comparison", "components": "_engine", "plugin": "", "program_path": "program", "run": "program",
    "sentence_transformers": "", "transformers": "", "version": "_engine",
}
__all__ = [
    "ArgumentError", "Comparison", "Encoder", "Error", "Index", "MissingError", "Objective", "PluginError", "Tokenizer",
    "compare", "components", "program_path", "run", "version",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = __getattr__("version")()
    elif name in _MODULES:
        module = import_module(f".{_MODULES[name] or name}", __name__)
        value = getattr(module, name) if _MODULES[name] else module
    else:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
