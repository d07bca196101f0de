"""Builds the package: the version is the program's. In a checkout the folder of the built library is recorded, so that
what is installed finds it. Where Packaging/wheel.sh has put program, library and plugins into the package, it becomes a
wheel for one platform and every Python."""

import re
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
HOLDS_PROGRAM = (HERE / "mixcse" / "bin" / "mixcse").exists()


def version() -> str:
    """What Sources/Version says."""
    source = ROOT / "Sources" / "Version" / "ProgramVersion.swift"
    found = re.search(r'text: StaticString = "([^"]+)"', source.read_text(encoding="utf-8"))
    if not found:
        raise SystemExit(f"{source}: expected the version of the program, found none")
    return found[1]


def shared_files() -> list[tuple[str, list[str]]]:
    """Manuals and completions, which shells look for beside bin: (folder, files)."""
    files = sorted(path.relative_to(HERE) for path in (HERE / "share").rglob("*") if path.is_file())
    return [(str(folder), [str(path) for path in files if path.parent == folder])
            for folder in sorted({path.parent for path in files})]


class BuildWithRecord(build_py):
    """Leaves the folder of `swift build` in a package that holds no program itself."""

    def run(self) -> None:
        super().run()
        built = ROOT / ".build" / "release"
        if not HOLDS_PROGRAM and (built / "libMixCSE.so").exists():
            (Path(self.build_lib) / "mixcse" / "built_in.txt").write_text(f"{built}\n", encoding="utf-8")


class PackageWithProgram(Distribution):
    """What is inside belongs to a platform."""

    def has_ext_modules(self) -> bool:
        return HOLDS_PROGRAM


class WheelForEveryPython(bdist_wheel):
    """The wheel's name: what is inside belongs to no version of Python."""

    def get_tag(self) -> tuple[str, str, str]:
        return ("py3", "none", super().get_tag()[2])


setup(
    version=version(), distclass=PackageWithProgram,
    cmdclass={"build_py": BuildWithRecord, "bdist_wheel": WheelForEveryPython}, data_files=shared_files())
