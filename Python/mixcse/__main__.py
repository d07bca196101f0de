"""The program as a command: `mixcse ...`, `python -m mixcse ...`."""

import os
import signal
import sys

from ._errors import Error
from .program import program_path


def main() -> None:
    """Becomes the program, with this process's arguments."""
    try:
        path = program_path()
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.code)
    # Python ignores these, and what it ignores would stay ignored.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_DFL)
    os.execv(path, ["mixcse", *sys.argv[1:]])


if __name__ == "__main__":
    main()
