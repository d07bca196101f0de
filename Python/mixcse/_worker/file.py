"""A plugin file: read once, run anew for each instance, described in the texts that the host makes a descriptor of."""

import hashlib
import linecache
import os
import platform
import sys
import traceback
import types
from typing import Any

from .. import plugin
from ..plugin import Component, Parameter, PluginError
from . import abi


class Refused(Exception):
    """Why a file is no plugin; the text is for the user."""


class PluginFile:
    """The file at `load_path`, which goes by the name `path` in messages."""

    def __init__(self, load_path: str, path: str, sha256: str) -> None:
        self.path = os.path.abspath(path)
        with open(load_path, "rb") as stream:
            self.source = stream.read()
        if hashlib.sha256(self.source).hexdigest() != sha256:
            raise Refused("it was replaced while it was being checked; start again")
        lines = self.source.decode("utf-8", "replace").splitlines(keepends=True)
        # A traceback shows what runs, whatever the file holds by then; no time, so that it is not read again.
        linecache.cache[self.path] = (len(self.source), None, lines, self.path)
        # Last: a plugin may be called queue.py. Not the working directory, which python -c puts first.
        sys.path[:] = [*(folder for folder in sys.path if folder), os.path.dirname(self.path)]
        self.name = os.path.splitext(os.path.basename(path))[0]

    def run(self) -> plugin.Registry:
        """Runs the file in a module of its own: what it declares."""
        plugin.registry = registry = plugin.Registry()
        module = types.ModuleType(f"mixcse_plugin_{self.name}")
        module.__file__ = self.path
        sys.modules[module.__name__] = module
        try:
            exec(compile(self.source, self.path, "exec", dont_inherit=True), module.__dict__)
        except ModuleNotFoundError as error:
            package = (error.name or "").split(".")[0]
            raise Refused(
                f"{explain(error, self.path)}\n  {sys.executable} does not have it: {sys.executable} -m pip install "
                f"{package}, or name another Python in MIXCSE_PYTHON") from error
        except PluginError as error:
            raise Refused(f"{error}{place(error, self.path)}") from error
        except BaseException as error:
            raise Refused(explain(error, self.path)) from error
        if not registry.components and not registry.library.recipes:
            raise Refused("expected a function with @sampler, @loss or @pooler of mixcse.plugin, found none")
        return registry

    def texts(self, registry: plugin.Registry) -> list[str]:
        """What the host makes a descriptor of (DescribedLibrary in Swift)."""
        library = registry.library
        clean = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in self.name).strip("-")
        texts = [library.id or f"python.{clean or 'library'}", library.version, library.license,
                 "\n".join(library.recipes), "0", "0"]
        for component in registry.components:
            check(component)
            texts += [
                str(abi.KINDS[component.kind]), str(abi.CLAIM_HOLDS), component.name,
                component.doc or f"{component.kind} {component.name}(), in Python",
                "\n".join(declaration(component, name, given) for name, given in component.parameters.items()),
                ",".join(component.metrics), functions(component), pooling(component)]
        return texts


def versions() -> str:
    """What computes, for records: Python, NumPy, torch where it was imported."""
    import numpy

    text = f"Python {platform.python_version()} ({sys.executable}), NumPy {numpy.__version__}"
    torch = sys.modules.get("torch")
    return text + (f", torch {torch.__version__}" if torch is not None else "")


def uses_torch(component: Component) -> bool:
    """Whether its arrays are tensors: as it says, else whether its file imports torch."""
    chosen = component.options.get("tensors")
    if chosen is not None:
        if chosen not in ("torch", "numpy"):
            raise Refused(f"{component.name}: tensors: expected 'torch' or 'numpy', found {chosen!r}")
        return bool(chosen == "torch")
    modules = (value for value in component.function.__globals__.values() if isinstance(value, types.ModuleType))
    return any(module.__name__.split(".")[0] == "torch" for module in modules)


def is_on_logits(component: Component) -> bool:
    """Whether a loss is one on logits, not on embeddings."""
    return any(name in ("logits", "sim", "target") for name in component.inputs)


def differentiable(component: Component) -> list[str]:
    """Its inputs that have a gradient, in their order; weights last."""
    if component.kind == "pooler":
        names: tuple[str, ...] = ("hidden", "layers")
    elif component.kind == "loss" and is_on_logits(component):
        names = ("logits", "sim")
    else:
        names = ("z1", "z2", "z3", "u1", "u2", "u3")
    return [name for name in component.inputs if name in names or name in component.weights]


def is_live(component: Component) -> bool:
    """Whether a sampler's new vectors have a gradient."""
    blocks = component.options["blocks"]
    return any(block.detached is False and "new" in (block.rows, block.columns) for block in blocks)


def check(component: Component) -> None:
    """Refuses what could only fail later."""
    inputs = set(component.inputs)
    if component.kind == "loss":
        embeddings = sorted(inputs & {"z1", "z2", "z3", "u1", "u2", "u3"})
        if embeddings and is_on_logits(component):
            raise Refused(f"{component.name}: expected a loss on logits or on embeddings, found both: "
                          f"{', '.join(component.inputs)}")
        if not embeddings and not is_on_logits(component):
            raise Refused(f"{component.name}: expected logits, or embeddings such as u1 and u2; found neither")
    needs = component.kind != "sampler" or is_live(component)
    if needs and not uses_torch(component) and component.gradient_function is None:
        raise Refused(
            f"{component.name}: expected its gradient: import torch and compute with it (autograd does the rest), or "
            f"say it in a second function with @{component.name}.gradient; found neither")
    if component.states and component.commit_function is None:
        raise Refused(f"{component.name}: expected a function with @{component.name}.commit, which writes its states; "
                      "found none")
    if component.kind == "pooler" and component.states:
        raise Refused(f"{component.name}: a pooler has no states")


def functions(component: Component) -> str:
    """Which functions of a descriptor there are, one digit each."""
    on_logits = component.kind == "loss" and is_on_logits(component)
    there = {
        "plan": True, "commit": component.commit_function is not None, "pool": component.kind == "pooler",
        "pool_backward": component.kind == "pooler", "sample": component.kind == "sampler",
        "sample_backward": component.kind == "sampler" and is_live(component), "on_logits": on_logits,
        "on_embeds": component.kind == "loss" and not on_logits}
    order = ("create", "destroy", "plan", "commit", "pool", "pool_backward", "sample", "sample_backward", "on_logits",
             "on_embeds", "augment")
    return "".join("1" if there.get(name) else "0" for name in order)


def pooling(component: Component) -> str:
    """What a pooler says of itself: tokens, head, no weights of layers."""
    exports = component.options.get("exports")
    if exports is None:
        return ""
    if exports not in abi.POOLING:
        raise Refused(f"{component.name}: exports: expected one of {', '.join(abi.POOLING)}, found {exports!r}")
    return f"{abi.POOLING[exports]} {int(bool(component.options.get('head')))} 0"


def spelled(name: str) -> str:
    """A parameter's name for users: lambda_ is lambda."""
    return name.rstrip("_")


def used_in_plan(component: Component) -> set[str]:
    """Parameters that sizes depend on."""
    sizes: list[Any] = [
        extent for tensor in (*component.states.values(), *component.weights.values()) for extent in tensor.shape]
    for block in component.options.get("blocks", ()):
        sizes += [block.private, block.count]
    sizes.append(component.options.get("width"))
    return {size for size in sizes if isinstance(size, str)}


def declaration(component: Component, name: str, given: Parameter) -> str:
    """A line of cse_component.params."""
    value = given.default
    kind, text = "string", f'"{value}"'
    if isinstance(value, bool):
        kind, text = "bool", "true" if value else "false"
    elif isinstance(value, int):
        kind, text = "int", str(value)
    elif isinstance(value, float):
        kind, text = "float", repr(value)
    elif given.choices:
        kind, text = "|".join(given.choices), str(value)
    elif given.is_path:
        kind = "path"
    elif not isinstance(value, str) or '"' in value or "\n" in value:
        raise Refused(f"{component.name}: {name}: expected a bool, int, float or str of one line without quotes as its "
                      f"default, found {value!r}")
    line = f"{spelled(name)}: {kind} = {text}"
    if given.range:
        line += f" in {given.range.replace(' ', '')}"
    if kind in ("int", "float") and name not in used_in_plan(component):
        line += " live"
    line += " log" if given.log else ""
    return line + (f" -- {' '.join(given.help.split())}" if given.help else "")


def place(error: BaseException, path: str) -> str:
    """Where in the user's file an error came up: " (idea.py:14, in mixed)"."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    if not frames:
        return ""
    inside = "" if frames[-1].name == "<module>" else f", in {frames[-1].name}"
    return f" ({os.path.basename(path)}:{frames[-1].lineno}{inside})"


def explain(error: BaseException, path: str, room: int = 4000) -> str:
    """An error in words: what, and where in the user's file; then its frames, the innermost where room is short."""
    if isinstance(error, SyntaxError):
        said = "".join(traceback.format_exception_only(error)).strip().splitlines()
        return "\n".join([f"{said[-1]} ({os.path.basename(path)}:{error.lineno})", *said[:-1]])
    what = "".join(traceback.format_exception_only(error)).strip()
    if isinstance(error, SystemExit):
        what = "it ends the process, which no plugin may: " + what
    first, *more = what.splitlines() or [type(error).__name__]
    head = f"{first[: room // 2]}{place(error, path)}"
    frames: list[Any] = list(traceback.extract_tb(error.__traceback__))
    own = next((index for index, frame in enumerate(frames) if frame.filename == path), len(frames))
    lines: list[str] = []
    for frame in reversed(frames[own:]):
        piece = [f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}']
        piece += [f"    {frame.line}"] if frame.line else []
        if len("\n".join([head, *piece, *lines]).encode()) > room:
            break
        lines = piece + lines
    text = "\n".join([head, *lines, *more])
    return text if len(text.encode()) <= room else "\n".join([head, *lines])
