"""Contexts and objectives of the library on NumPy arrays: what mixcse.Objective puts behind PyTorch's autograd."""

import ctypes as c
import functools
import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _library as lib
from . import _places
from ._library import library


def version() -> str:
    """The version of the library."""
    text: bytes = library().version()
    return text.decode()


class Context:
    """Plugins and threads, shared by what is opened with the same settings."""

    def __init__(self, plugin_folders: Sequence[str], threads: int) -> None:
        folders = [os.fsencode(folder) for folder in plugin_folders]
        settings = lib.Settings(
            plugin_folders=(c.c_char_p * max(len(folders), 1))(*folders), n_plugin_folders=len(folders),
            threads=threads, log=lib.log, python=os.fsencode(_places.python() or "") or None)
        self.handle = c.c_void_p()
        library().check(library().context_open(settings, c.byref(self.handle)))
        weakref.finalize(self, library().context_close, self.handle)

    def components(self) -> list[dict[str, str]]:
        """What plugins offer."""
        found = []
        for index in range(library().counted(library().context_components(self.handle))):
            item = lib.Component()
            library().check(library().context_component(self.handle, index, item))
            names = ("kind", "name", "library", "path", "summary")
            found.append({name: getattr(item, name).decode() for name in names})
        return found


@functools.cache
def _shared_context(plugin_folders: tuple[str, ...], threads: int, process: int) -> Context:
    return Context(plugin_folders, threads)


def context(plugin_folders: Sequence[str | os.PathLike[str]] = (), threads: int = 0) -> Context:
    """The context with these settings; a process that was forked off gets its own."""
    return _shared_context(tuple(os.fspath(folder) for folder in plugin_folders), threads, os.getpid())


def components(plugin_folders: Sequence[str | os.PathLike[str]] = ()) -> list[dict[str, str]]:
    """Everything that plugins offer: dictionaries with kind ("sampler", "loss", "method" ...), name, library, path and
    summary."""
    return context(plugin_folders).components()


@dataclass(frozen=True)
class TensorInfo:
    """A parameter or a state."""

    name: str
    shape: tuple[int, ...]
    dtype: type
    decays: bool
    learning_rate_factor: float


@dataclass(frozen=True)
class EncodingInfo:
    """Vectors of each batch that a strategy needs beside its embeddings."""

    #: In words.
    text: str
    #: Whose texts: 0 anchors, 1 positives, 2 hard negatives.
    view: int
    #: "encoder", "average" (its moving average) or "guide".
    by: str
    #: A probability; None: as in training, with other masks.
    dropout: float | None
    #: Of the moving average: average = decay * average + (1 - decay) * weights after each step.
    decay: float
    #: Number of the guide, from 0.
    guide: int
    #: Numbers of a vector.
    width: int


@dataclass
class BatchData:
    """What comes with the embeddings of a batch; arrays have one entry a row."""

    row_ids: np.ndarray | None = None
    text_ids: np.ndarray | None = None
    scores: np.ndarray | None = None
    classes: np.ndarray | None = None
    encodings: list[np.ndarray] = field(default_factory=list)
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    batch: int = 0


def _address(array: np.ndarray | None) -> int | None:
    return None if array is None else array.ctypes.data


def _addresses(arrays: Sequence[np.ndarray]) -> Any:
    return (c.c_void_p * max(len(arrays), 1))(*[array.ctypes.data for array in arrays])


class Engine:
    """An objective of the library. Arrays are float32 [rows, width], contiguous."""

    def __init__(
        self, strategy: str, width: int, *, rows: int, guides: Sequence[int], seed: int, temperature: float | None,
        learn_temperature: bool, hard_negative_weight: float, shared: Context,
    ) -> None:
        self._context = shared
        options = lib.ObjectiveOptions(
            flags=lib.LEARN_TEMPERATURE if learn_temperature else 0, strategy=strategy.encode(), width=width, rows=rows,
            n_guides=len(guides), guide_widths=(c.c_int64 * max(len(guides), 1))(*guides), seed=seed % 2**64,
            temperature=temperature or 0.0, hard_negative_weight=hard_negative_weight)
        self._handle = c.c_void_p()
        library().check(library().objective_open(shared.handle, options, c.byref(self._handle)))
        weakref.finalize(self, library().objective_close, self._handle)
        self.text: str = library().objective_text(self._handle).decode()

    # Batches

    def evaluate(
        self, views: Sequence[np.ndarray], data: BatchData, wants_gradients: bool
    ) -> tuple[float, list[np.ndarray]]:
        """The loss and, where they are wanted, its gradients with respect to the views."""
        gradients = [np.empty_like(view) for view in views] if wants_gradients else []
        batch = lib.Batch(
            n_views=len(views), rows=len(views[0]), z=_addresses(views), row_ids=_address(data.row_ids),
            text_ids=_address(data.text_ids), scores=_address(data.scores), classes=_address(data.classes),
            encodings=_addresses(data.encodings), n_encodings=len(data.encodings), step=data.step,
            total_steps=data.total_steps, epoch=data.epoch, batch=data.batch)
        if wants_gradients:
            batch.dz = _addresses(gradients)
        loss = c.c_double()
        library().check(library().objective_evaluate(self._handle, batch, c.byref(loss)))
        return loss.value, gradients

    def commit(self) -> None:
        """Lets plugins take the last batch into their states."""
        library().check(library().objective_commit(self._handle))

    def set(self, name: str, value: object) -> None:
        """Sets a plugin's parameter, "mixcse.lambda"."""
        library().check(library().objective_set(self._handle, name.encode(), str(value).encode()))

    # Parameters and states

    def _count(self, what: int) -> int:
        return library().counted(library().objective_count(self._handle, what))

    def tensors(self, what: int) -> list[TensorInfo]:
        """Descriptions of lib.PARAMETERS or lib.STATES, in their order."""
        found = []
        for index in range(self._count(what)):
            item = lib.Tensor()
            library().check(library().objective_tensor(self._handle, what, index, item))
            found.append(TensorInfo(
                item.name.decode(), tuple(item.shape[: item.n_dimensions]), np.int64 if item.type else np.float32,
                not item.flags & lib.NO_DECAY, item.learning_rate_factor))
        return found

    def read(self, what: int, index: int, info: TensorInfo) -> np.ndarray:
        """A copy of the numbers."""
        array: np.ndarray = np.empty(info.shape, info.dtype)
        library().check(library().objective_read(self._handle, what, index, array.ctypes.data, array.nbytes))
        return array

    def write(self, what: int, index: int, array: np.ndarray) -> None:
        """Puts the numbers there."""
        library().check(library().objective_write(self._handle, what, index, array.ctypes.data, array.nbytes))

    # What there is to tell

    def metrics(self) -> dict[str, float]:
        """Figures of the last batch, by the names of metrics.jsonl; those that it did not have are left out."""
        found = {}
        for index in range(self._count(lib.METRICS)):
            name, value = c.c_char_p(), c.c_double()
            library().check(library().objective_metric(self._handle, index, c.byref(name), c.byref(value)))
            if value.value == value.value and name.value is not None:
                found[name.value.decode()] = value.value
        return found

    def blocks(self) -> list[dict[str, Any]]:
        """What the rows of the last batch were compared with."""
        found = []
        for index in range(self._count(lib.BLOCKS)):
            item = lib.Block()
            library().check(library().objective_block(self._handle, index, item))
            texts = {name: getattr(item, name).decode() for name in ("label", "sampler", "rows", "columns", "detached")}
            found.append({**texts, "group": item.group, "negatives": item.negatives, "mean_logit": item.mean_logit})
        return found

    def encodings(self) -> list[EncodingInfo]:
        """Vectors that come with each batch."""
        found = []
        for index in range(self._count(lib.ENCODINGS)):
            item = lib.Encoding()
            library().check(library().objective_encoding(self._handle, index, item))
            found.append(EncodingInfo(
                item.text.decode(), item.view, ("encoder", "average", "guide")[item.by],
                None if item.dropout < 0 else item.dropout, item.decay, item.guide, item.width))
        return found
