"""The first thing that a worker runs (python -c): modules come from descriptor 6, names and sources in netstrings."""

import importlib.abc
import importlib.machinery
import os
import sys
import types

_left = os.pread(6, os.fstat(6).st_size, 0)
os.close(6)
_texts = []
while _left:
    _count, _, _left = _left.partition(b":")
    _texts.append(_left[: int(_count)])
    _left = _left[int(_count) + 1:]
_sources = {"mixcse": b"", **{name.decode(): text for name, text in zip(_texts[::2], _texts[1::2])}}


class _Modules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the worker's modules; here `mixcse` is no more than what plugins import."""

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> "importlib.machinery.ModuleSpec | None":
        if name in _sources:
            return importlib.machinery.ModuleSpec(name, self, is_package=name in ("mixcse", "mixcse._worker"))
        return None

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(_sources[module.__name__], f"<{module.__name__}>", "exec"), module.__dict__)


sys.meta_path.insert(0, _Modules())
from mixcse._worker.loop import main  # noqa: E402

main(sys.argv[1:])
