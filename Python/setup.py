"""Builds the package out of a checkout: the version is the program's, and the folder of the built library is recorded,
so that what is installed finds it. A package that holds lib/, bin/ and plugins/ itself needs no such record."""

import re
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CHECKOUT = Path(__file__).resolve().parent.parent


def version() -> str:
    """What Sources/Version says."""
    source = CHECKOUT / "Sources" / "Version" / "ProgramVersion.swift"
    found = re.search(r'text: StaticString = "([^"]+)"', source.read_text(encoding="utf-8"))
    if not found:
        raise SystemExit(f"{source}: expected the version of the program, found none")
    return found[1]


class BuildWithRecord(build_py):
    """Leaves the folder of `swift build` in the package."""

    def run(self) -> None:
        super().run()
        built = CHECKOUT / ".build" / "release"
        if (built / "libMixCSE.so").exists():
            (Path(self.build_lib) / "mixcse" / "built_in.txt").write_text(f"{built}\n", encoding="utf-8")


setup(version=version(), cmdclass={"build_py": BuildWithRecord})
