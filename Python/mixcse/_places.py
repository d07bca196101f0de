"""Where the parts of an installation lie: the library and the program, which find their plugins themselves.

A wheel that was built to be sent around holds them itself, as below a prefix: mixcse/bin/mixcse,
mixcse/lib/libmixcse.so and mixcse/lib/cse/plugins. A package that was installed from a checkout remembers that checkout
(built_in.txt), and inside of a checkout they are in .build/release. MIXCSE_LIBRARY and MIXCSE_PROGRAM come before all
of that.
"""

import os
import shutil
import sys
from pathlib import Path

from ._errors import ArgumentError, MissingError

PACKAGE = Path(__file__).resolve().parent
LIBRARY_NAMES = ("libmixcse.so", "libMixCSE.so")


def _folders(own: str) -> list[Path]:
    """Folders to look in, best first; `own`: the package's own."""
    record = PACKAGE / "built_in.txt"
    recorded = [Path(record.read_text(encoding="utf-8").strip())] if record.exists() else []
    return [PACKAGE / own, *recorded, PACKAGE.parent.parent / ".build" / "release"]


def _named(variable: str) -> Path | None:
    """The file that the environment names."""
    value = os.environ.get(variable)
    if not value:
        return None
    if not Path(value).is_file():
        raise ArgumentError(f"{variable}: expected the path of a file, found '{value}'", 64)
    return Path(value).resolve()


def library() -> Path:
    """The path of libmixcse.so."""
    named = _named("MIXCSE_LIBRARY")
    if named:
        return named
    folders = _folders("lib")
    for folder in folders:
        for name in LIBRARY_NAMES:
            if (folder / name).is_file():
                return folder / name
    raise MissingError(
        f"expected libmixcse.so in {', '.join(map(str, folders))}, found none: build it (make build in a checkout of "
        "mixcse), or set MIXCSE_LIBRARY to its path", 66)


def program() -> Path:
    """The path of the program `mixcse`; on PATH only where nothing else has it."""
    named = _named("MIXCSE_PROGRAM")
    if named:
        return named
    folders = _folders("bin")
    on_path = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    for folder in [*folders, *on_path]:
        found = shutil.which("mixcse", path=str(folder))
        if found and _is_binary(found):
            return Path(found)
    raise MissingError(
        f"expected the program mixcse in {', '.join(map(str, folders))} or on PATH, found none: build it (make build "
        "in a checkout of mixcse), or set MIXCSE_PROGRAM to its path", 66)


def python() -> str | None:
    """The Python that runs plugins in Python: MIXCSE_PYTHON, else this one."""
    return os.environ.get("MIXCSE_PYTHON") or sys.executable or None


def _is_binary(path: str) -> bool:
    """Whether this is the program, and not the script that pip made for this package."""
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"
