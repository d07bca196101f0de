"""The program `mixcse` as a child process: all its subcommands, from Python."""

import os
import subprocess
from collections.abc import Iterable

from . import _places


def program_path() -> str:
    """Where the program lies: MIXCSE_PROGRAM, the package, the checkout it was installed from, or PATH."""
    return str(_places.program())


def run(arguments: Iterable[object]) -> int:
    """Runs `mixcse ARGUMENTS` and waits for it; what it prints goes where this process prints.

        mixcse.run(["train", "--from", "plan.json", "--output-dir", "runs/a"])

    It is a process of its own, so that a crash of a plugin does not end this one. Ctrl-C reaches it, too: it saves what
    it has and ends.

    Returns its exit code, 0 for success; 128 and the number of the signal that ended it.
    """
    environment = dict(os.environ)
    python = _places.python()
    if python:
        environment["MIXCSE_PYTHON"] = python
    process = subprocess.Popen([program_path(), *map(str, arguments)], env=environment)
    while True:
        try:
            code = process.wait()
            return code if code >= 0 else 128 - code
        except KeyboardInterrupt:
            continue
