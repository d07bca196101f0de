"""Contrastive strategies for sentence encoders, from the engine of the program `mixcse`.

    import mixcse
    objective = mixcse.Objective("infonce+mixcse:lambda=0.3", dimension=768)   # a torch module
    objective(z1, z2).backward()
    mixcse.Encoder("runs/a").encode(["A sentence."])                           # NumPy, [1, width]
    mixcse.run(["train", "--model", "MODEL", "--train-file", "FILE.txt", "--method", "mixcse", "--output-dir", "OUT"])

`mixcse.sentence_transformers.StrategyLoss` is a loss for SentenceTransformerTrainer, `mixcse.transformers.
StrategyTrainer` a trainer of transformers. Documentation/Python.md describes all of it. PyTorch is imported only by
what needs it.
"""

from typing import TYPE_CHECKING, Any

from ._errors import ArgumentError, Error, MissingError, PluginError
from .encoder import Encoder, Tokenizer
from .program import program_path, run
from ._engine import components, version

if TYPE_CHECKING:
    from .objective import Objective

__all__ = [
    "ArgumentError", "Encoder", "Error", "MissingError", "Objective", "PluginError", "Tokenizer", "components",
    "program_path", "run", "version",
]
__version__ = version()


def __getattr__(name: str) -> Any:
    if name == "Objective":
        from .objective import Objective

        return Objective
    raise AttributeError(f"module 'mixcse' has no attribute '{name}'")
