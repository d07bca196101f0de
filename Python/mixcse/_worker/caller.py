"""How the user's functions are called: what they are given by name, and what becomes of what they give back."""

import ctypes as c
import random
import struct
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import plugin
from ..plugin import Component
from . import abi, numbers
from .file import PluginFile, differentiable, explain, uses_torch
from .memory import Regions
from .plan import Planned


class Problem(Exception):
    """What a function gave back that cannot be used; the text is for the user."""


class Values:
    """What one call gives to the functions that it leads to: arrays by name, made when they are asked for."""

    def __init__(self, makers: dict[str, Callable[[], Any]]) -> None:
        self._makers = makers
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]


class Caller:
    """A component with its own module. The functions that the host may ask for are in Instance."""

    def __init__(self, component: Component, key: int, file: PluginFile, regions: Regions) -> None:
        self.component, self.key, self.file, self.regions = component, key, file, regions
        self.torch = sys.modules["torch"] if uses_torch(component) else None
        self.planned: Planned | None = None
        self.differentiable = differentiable(component)
        self.kept: list[Any] = []
        self._log = lambda text: write_log(2, text)
        self._seed = (-1, 0)

    # One call

    def answer(self, function: str, address: int, batch: int, arguments: Sequence[int]) -> int:
        """Makes a call of the host's; the status of the header, with a message where it is an error."""
        call = abi.Call.from_address(address)
        self.call, self.batch = call, batch
        plugin.current.metrics = {}
        plugin.current.write_log = self._log
        plugin.current.held = list(self.kept) if call.flags & abi.HOLD else None
        plugin.current.kept = []
        try:
            self._seed_generators()
            getattr(self, function)(*arguments)
            if plugin.current.held is None and function not in ("plan", "commit"):
                self.kept = plugin.current.kept
            self._write_metrics()
        except Problem as error:
            return self._fail(abi.INVALID, str(error))
        except NotImplementedError as error:
            return self._fail(abi.UNSUPPORTED, str(error))
        except BaseException as error:
            return self._fail(abi.INTERNAL, explain(error, self.file.path, abi.MESSAGE_BYTES - 1), error)
        return abi.OK

    def _fail(self, status: int, text: str, error: BaseException | None = None) -> int:
        if error is not None:
            whole = explain(error, self.file.path)
            if whole != text:
                for line in whole.splitlines():
                    write_log(3, line)
        encoded = text.encode()[: abi.MESSAGE_BYTES - 1]
        encoded = encoded.decode("utf-8", "ignore").encode() + b"\0"
        c.memmove(self.call.message, encoded, len(encoded))
        return status

    def _seed_generators(self) -> None:
        """A function that draws from the usual generators draws the same numbers in each call on a batch."""
        if self._seed[0] != self.batch:
            self._seed = (self.batch, numbers.seed(self.key, self.batch))
        seed = self._seed[1]
        random.seed(seed)
        np.random.seed(seed & 0xFFFFFFFF)
        if self.torch is not None:
            self.torch.manual_seed(seed & 0x7FFFFFFFFFFFFFFF)

    def _write_metrics(self) -> None:
        if not plugin.current.metrics:
            return
        slots = self.regions.numbers(self.call.metrics or 0, len(self.component.metrics), np.float64)
        for name, value in plugin.current.metrics.items():
            if name not in self.component.metrics:
                raise Problem(f"report({name!r}): expected one of metrics={list(self.component.metrics)}")
            slots[self.component.metrics.index(name)] = value

    # What functions are given

    def parameters(self) -> dict[str, Any]:
        """Values of the parameters as they are now."""
        found: dict[str, Any] = {}
        for index, (name, given) in enumerate(self.component.parameters.items()):
            raw = c.string_at(self.call.values + 8 * index, 8)
            whole = struct.unpack("<q", raw)[0]
            if given.choices:
                found[name] = given.choices[whole]
            elif isinstance(given.default, bool):
                found[name] = bool(whole)
            elif isinstance(given.default, int):
                found[name] = whole
            elif isinstance(given.default, float):
                found[name] = struct.unpack("<d", raw)[0]
            else:
                found[name] = c.string_at(whole).decode() if whole else ""
        return found

    def shown(self, array: np.ndarray) -> Any:
        """An array as functions get it: NumPy's over the host's memory, not to be written, or a tensor of its own."""
        if self.torch is None:
            array.flags.writeable = False
            return array
        return self.torch.from_numpy(np.array(array, order="C"))

    def made(self, array: np.ndarray) -> Any:
        """An array that is the function's own."""
        return array if self.torch is None else self.torch.from_numpy(array)

    def _numbers(self, address: int | None, count: int, dtype: type) -> Any:
        return self.shown(self.regions.numbers(address, count, dtype)) if address else None

    def _everywhere(self) -> dict[str, Callable[[], Any]]:
        makers: dict[str, Callable[[], Any]] = {
            "step": lambda: self.call.step, "total_steps": lambda: self.call.total_steps,
            "epoch": lambda: self.call.epoch, "seed": lambda: self._seed[1],
            "rng": lambda: numbers.Random(self.key, self.batch, self.made)}
        for index, name in enumerate(self.component.states):
            makers[name] = partial(self._listed, self.call.states, index)
        for index, name in enumerate(self.component.weights):
            makers[name] = partial(self._listed, self.call.weights, index)
        return makers

    def _tensor(self, list_address: int | None, index: int) -> np.ndarray:
        return self.regions.tensor(self.regions.pointers((list_address or 0) + 8 * index, 1)[0])

    def _listed(self, list_address: int | None, index: int) -> Any:
        return self.shown(self._tensor(list_address, index))

    def _batch(self, address: int) -> dict[str, Callable[[], Any]]:
        batch = abi.Batch.from_address(address)
        makers = self._everywhere()
        for view in range(3):
            for letter, list_address in (("z", batch.z), ("u", batch.u)):
                makers[f"{letter}{view + 1}"] = partial(self._view, batch, list_address, view)
        for index, name in enumerate(self.component.encodings):
            makers[name] = partial(self._listed, batch.encodings, index)
        rows = batch.rows
        makers["row_ids"] = lambda: self._numbers(batch.row_ids, rows, np.int64)
        makers["text_ids"] = lambda: self._numbers(batch.text_ids, rows, np.int64)
        makers["classes"] = lambda: self._numbers(batch.classes, rows, np.int64)
        makers["scores"] = lambda: self._numbers(batch.scores, rows, np.float32)
        return makers

    def _view(self, batch: abi.Batch, list_address: int, view: int) -> Any:
        if view >= batch.n_views:
            raise Problem(f"z{view + 1} is asked for, and the batch has {batch.n_views} views")
        return self.shown(self._tensor(list_address, view))

    # Calling the user's functions

    def _call(self, values: Values, wants: bool) -> tuple[Any, dict[str, Any]]:
        """Calls the decorated function: what it returns, and what it is to be differentiated by."""
        settings = self.parameters()
        given = {name: values[name] for name in self.component.inputs}
        leaves: dict[str, Any] = {}
        if self.torch is not None and wants and self.component.gradient_function is None:
            for name in self.differentiable:
                leaves[name] = given[name]
                for tensor in given[name] if isinstance(given[name], list) else [given[name]]:
                    tensor.requires_grad_()
            if "temperature" in settings and self.component.kind == "loss":
                settings["temperature"] = leaves["temperature"] = self.torch.tensor(
                    settings["temperature"], dtype=self.torch.float64, requires_grad=True)
        if leaves or self.torch is None:
            return self.component.function(**given, **settings), leaves
        with self.torch.no_grad():
            return self.component.function(**given, **settings), leaves

    def _gradients(self, values: Values, leaves: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The gradients by name: autograd has left them, or the second function says them."""
        if self.component.gradient_function is None:
            return {name: [one.grad for one in leaf] if isinstance(leaf, list) else leaf.grad
                    for name, leaf in leaves.items()}
        function = self.component.gradient_function
        plan = function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]
        settings = self.parameters()
        given = {}
        for name in plan:
            if name in settings:
                given[name] = settings[name]
            elif name in more:
                given[name] = more[name]
            else:
                try:
                    given[name] = values[name]
                except KeyError:
                    raise Problem(f"the gradient function asks for '{name}', which a {self.component.kind} is not given"
                                  ) from None
        result = function(**given)
        if isinstance(result, dict):
            return result
        results = list(result) if isinstance(result, (tuple, list)) else [result]
        if len(results) != len(self.differentiable):
            raise Problem(f"the gradient function returned {len(results)} arrays, expected "
                          f"{len(self.differentiable)}: of {', '.join(self.differentiable)}")
        return dict(zip(self.differentiable, results))

    def numpy(self, value: Any, what: str, shape: tuple[int, ...]) -> np.ndarray:
        """An array of the expected shape out of what a function gave back."""
        if self.torch is not None and isinstance(value, self.torch.Tensor):
            value = value.detach().to("cpu").numpy()
        array = np.asarray(value)
        if array.shape != shape:
            raise Problem(f"{what}: expected an array of shape {list(shape)}, found {list(array.shape)}")
        if array.dtype.kind not in "fiub":
            raise Problem(f"{what}: expected numbers, found {array.dtype}")
        return array

    def _add(self, target: np.ndarray, value: Any, what: str) -> None:
        if value is not None:
            target += self.numpy(value, what, target.shape)

    def _add_weights(self, gradients: dict[str, Any]) -> None:
        if not self.call.dweights:
            return
        for index, name in enumerate(self.component.weights):
            self._add(self._tensor(self.call.dweights, index), gradients.get(name), f"the gradient of {name}")

    def _add_views(self, batch: abi.Batch, gradients: dict[str, Any]) -> None:
        for name, value in gradients.items():
            if name[0] in "zu" and name[1:] in ("1", "2", "3"):
                target = self._tensor(batch.dz if name[0] == "z" else batch.du, int(name[1:]) - 1)
                self._add(target, value, f"the gradient of {name}")


def write_log(level: int, text: str) -> None:
    """A line of the host's log: standard error, marked with its level."""
    for line in text.splitlines():
        sys.stderr.flush()
        sys.stderr.buffer.write(b"\x01%d" % level + line.encode("utf-8", "replace") + b"\n")
        sys.stderr.buffer.flush()
