"""The program as a command: `mixcse ...`, `python -m mixcse ...`."""

import sys

from .program import run


def main() -> None:
    """Runs the program with this process's arguments and ends with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
