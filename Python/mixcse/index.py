"""The nearest sentences to a query, exact or by a graph: the folders of `mixcse index`, with the method names of
SimCSE's tool."""

import ctypes as c
import os
import tempfile
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import _library as lib
from ._errors import ArgumentError
from ._library import library
from .encoder import Encoder, c_texts


def _list(texts: str | Sequence[str]) -> tuple[list[str], bool]:
    return ([texts], True) if isinstance(texts, str) else (list(texts), False)


class Index:
    """A model with sentences to search through.

        index = mixcse.Index("all-MiniLM-L6-v2")
        index.build_index(sentences)                       # or a file of lines; folder= keeps it
        index.search("A man plays a guitar.")              # [(sentence, cosine), ...]

    model: a Hugging Face folder, or an Encoder. Scores are cosines; whatever the number of threads, they are the same
    bits. A folder that `mixcse index build` made is opened with `open`, and one that `build_index` made is searched
    with `mixcse search`.

    Searches are exact. With a graph, `make_graph`, they may be approximate instead, which pays among millions of
    sentences: search(..., approximate=True). `recall` measures what they miss.
    """

    def __init__(self, model: str | os.PathLike[str] | Encoder, **settings: Any) -> None:
        self.encoder = model if isinstance(model, Encoder) else Encoder(model, **settings)
        self._handle: c.c_void_p | None = None
        self._folder: Path | None = None

    @classmethod
    def open(cls, folder: str | os.PathLike[str], model: str | os.PathLike[str] | Encoder, **settings: Any) -> "Index":
        """An index that is there, with the model that made it; another model is refused."""
        index = cls(model, **settings)
        index._open(Path(folder))
        return index

    def __len__(self) -> int:
        """Sentences in it."""
        return library().counted(library().index_size(self._opened()))

    def encode(self, sentence: str | Sequence[str], normalize_to_unit: bool = True) -> np.ndarray:
        """Embeddings, float32 [n, width]; of a single text [width]."""
        texts, single = _list(sentence)
        vectors = self.encoder.encode(texts)
        if normalize_to_unit:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-8)
        return vectors[0] if single else vectors

    def similarity(self, queries: str | Sequence[str], keys: str | Sequence[str]) -> float | np.ndarray:
        """Cosines, float32 [queries, keys], without the dimension of a single text; a float for two single texts."""
        (left, single), (right, other) = _list(queries), _list(keys)
        scores = self.encode(left) @ self.encode(right).T
        scores = scores[0] if single else scores
        scores = scores[..., 0] if other else scores
        return float(scores) if single and other else scores

    def build_index(
        self, sentences_or_file_path: str | os.PathLike[str] | Sequence[str],
        folder: str | os.PathLike[str] | None = None, *, overwrite: bool = False, approximate: str | None = None,
        hnsw_links: int = 0, hnsw_build_width: int = 0,
    ) -> None:
        """Makes the index of a list of sentences or of the lines of a file; folder: where to keep it.

        approximate="hnsw": then makes its graph, as `make_graph` does.
        """
        if approximate not in (None, "hnsw"):
            raise ArgumentError(f"approximate: expected None or 'hnsw', found {approximate!r}")
        if approximate is None and (hnsw_links or hnsw_build_width):
            raise ArgumentError("hnsw_links, hnsw_build_width: expected approximate='hnsw' beside them, found None")
        place = Path(folder) if folder is not None else self._temporary()
        texts, lengths = self._texts(sentences_or_file_path)
        library().check(library().index_build(
            self.encoder.handle, os.fsencode(place), lib.REPLACE if overwrite or folder is None else 0, texts,
            lengths.ctypes.data, len(texts)))
        self._open(place)
        if approximate is not None:
            self.make_graph(hnsw_links=hnsw_links, hnsw_build_width=hnsw_build_width)

    def make_graph(self, *, hnsw_links: int = 0, hnsw_build_width: int = 0, overwrite: bool = False) -> int:
        """Makes the graph of the index, or extends it to all sentences; returns how many were linked.

        hnsw_links: of a sentence, 2 to 256 (M; 0: 16). hnsw_build_width: how many near ones are looked at to link one
        (ef_construction; 0: 200). Needs the library that `mixcse index library` builds.
        """
        self._opened()
        assert self._folder is not None
        linked = lib.I64()
        options = lib.GraphOptions(
            flags=lib.REPLACE if overwrite else 0, links=hnsw_links, build_width=hnsw_build_width)
        library().check(library().index_graph(
            self.encoder.context.handle, os.fsencode(self._folder), c.byref(options), c.byref(linked)))
        self._open(self._folder)
        return linked.value

    def add(self, sentences_or_file_path: str | os.PathLike[str] | Sequence[str]) -> None:
        """Adds sentences behind those that are there, and to the graph if there is one: all of them or none."""
        self._opened()
        assert self._folder is not None
        texts, lengths = self._texts(sentences_or_file_path)
        library().check(library().index_add(
            self.encoder.handle, os.fsencode(self._folder), texts, lengths.ctypes.data, len(texts)))
        self._open(self._folder)

    def search(
        self, queries: str | Sequence[str], *, threshold: float | None = 0.6, top_k: int = 5,
        approximate: bool = False, hnsw_width: int = 0,
    ) -> list[tuple[str, float]] | list[list[tuple[str, float]]]:
        """The sentences nearest to a query with their cosines, the highest first; a list of these for several queries.

        Scores below `threshold` are left out; None: none are. approximate: by the graph, which is asked for hnsw_width
        sentences (ef; 0: 64, or top_k where that is more); some of the nearest may be missed.
        """
        texts, single = _list(queries)
        found = self.search_vectors(
            self.encoder.encode(texts), threshold=threshold, top_k=top_k, approximate=approximate,
            hnsw_width=hnsw_width)
        handle = self._opened()
        answers = [
            [(self._text(handle, row), float(score)) for row, score in zip(rows, scores, strict=True) if row >= 0]
            for rows, scores in zip(*found, strict=True)]
        return answers[0] if single else answers

    def search_vectors(
        self, vectors: np.ndarray, *, threshold: float | None = None, top_k: int = 5, approximate: bool = False,
        hnsw_width: int = 0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows int64 [n, top_k] and cosines float32 [n, top_k] for vectors [n, width]; -1 and NaN for none."""
        vectors = np.ascontiguousarray(vectors, np.float32)
        handle = self._opened()
        width = library().counted(library().index_width(handle))
        if vectors.ndim != 2 or vectors.shape[1] != width:
            raise ArgumentError(f"vectors: expected shape [n, {width}], found {list(vectors.shape)}")
        rows = np.empty((len(vectors), top_k), np.int64)
        scores = np.empty((len(vectors), top_k), np.float32)
        question = (handle, vectors.ctypes.data, len(vectors), top_k, -2.0 if threshold is None else threshold)
        if approximate:
            library().check(library().index_search_approximately(
                *question, hnsw_width, rows.ctypes.data, scores.ctypes.data))
        elif hnsw_width:
            raise ArgumentError("hnsw_width: expected approximate=True beside it, found False")
        else:
            library().check(library().index_search(*question, rows.ctypes.data, scores.ctypes.data))
        return rows, scores

    def recall(
        self, queries: str | Sequence[str] | np.ndarray, *, top_k: int = 10, hnsw_width: int = 0,
    ) -> dict[str, float]:
        """Approximate searches against exact ones, query by query: sentences, or vectors [n, width].

        Returns recall (the share of the exact top_k that is found, or of sentences with the same scores), and the
        milliseconds a query of both, exact_milliseconds and milliseconds.
        """
        vectors = queries if isinstance(queries, np.ndarray) else self.encoder.encode(_list(queries)[0])
        self.search_vectors(vectors[:1], top_k=top_k)
        self.search_vectors(vectors[:1], top_k=top_k, approximate=True, hnsw_width=hnsw_width)
        scores: dict[bool, list[np.ndarray]] = {}
        seconds: dict[bool, float] = {}
        for approximate, width in ((False, 0), (True, hnsw_width)):
            start = time.perf_counter()
            scores[approximate] = [
                self.search_vectors(vectors[i:i + 1], top_k=top_k, approximate=approximate, hnsw_width=width)[1][0]
                for i in range(len(vectors))]
            seconds[approximate] = time.perf_counter() - start
        wanted = sum(int(np.isfinite(one).sum()) for one in scores[False])
        found = sum(
            int((other >= np.nanmin(one)).sum()) for one, other in zip(scores[False], scores[True], strict=True)
            if np.isfinite(one).any())
        per_query = 1e3 / max(len(vectors), 1)
        return {"recall": found / wanted if wanted else 1.0, "milliseconds": per_query * seconds[True],
                "exact_milliseconds": per_query * seconds[False]}

    @staticmethod
    def _texts(source: str | os.PathLike[str] | Sequence[str]) -> tuple["c.Array[c.c_char_p]", np.ndarray]:
        if isinstance(source, (str, os.PathLike)):
            return c_texts(Path(source).read_text(encoding="utf-8", errors="replace").splitlines())
        return c_texts(source)

    @staticmethod
    def _text(handle: c.c_void_p, row: int) -> str:
        text: bytes | None = library().index_text(handle, row)
        if text is None:
            library().counted(-1)
        assert text is not None, "a count below 0 raises"
        return text.decode()

    def _temporary(self) -> Path:
        folder = tempfile.TemporaryDirectory(prefix="mixcse-index-")
        weakref.finalize(self, folder.cleanup)
        return Path(folder.name)

    def _open(self, folder: Path) -> None:
        handle = c.c_void_p()
        library().check(library().index_open(
            self.encoder.context.handle, self.encoder.handle, os.fsencode(folder), c.byref(handle)))
        weakref.finalize(self, library().index_close, handle)
        self._handle, self._folder = handle, folder

    def _opened(self) -> c.c_void_p:
        if self._handle is None:
            raise ArgumentError("expected an index, found none: call build_index, or Index.open(folder, model)")
        return self._handle
