"""Sentences to embeddings and text to token ids, with a model folder: the numbers of `mixcse encode`."""

import ctypes as c
import os
import weakref
from collections.abc import Sequence
from typing import overload

import numpy as np

from . import _library as lib
from ._engine import context
from ._library import library, logger

# A whole number of the library's own blocks; between two of them Ctrl-C is heard.
_SENTENCES_A_CALL = 4096


def _bytes(text: str) -> bytes:
    # What is no text becomes U+FFFD in the library, as in a file.
    return text.encode("utf-8", "surrogatepass")


def c_texts(sentences: Sequence[str]) -> tuple["c.Array[c.c_char_p]", np.ndarray]:
    """Sentences as the library takes them: pointers, and the bytes of each."""
    texts = [_bytes(sentence) for sentence in sentences]
    return (c.c_char_p * len(texts))(*texts), np.fromiter(map(len, texts), np.int64, len(texts))


class Encoder:
    """A Hugging Face folder that makes embeddings, on the CPU.

        encoder = mixcse.Encoder("runs/a")
        encoder.encode(["One sentence.", "Another one."])    # float32 [2, encoder.width]

    pooler: "cls", "avg" ...; None: what the folder records, else avg, which is then logged. normalize: scale embeddings
    to length 1, whether the folder asks for it or not. before_head: take the pooler's vector before the head.
    max_length: tokens of a sentence at most; None: what the folder records. threads: 0 for the processors there are.
    precision: "bf16" rounds the operands of products with weights to bfloat16, which is faster where the processor has
    instructions for it. plugin_folders: searched for poolers before all others.
    """

    def __init__(
        self, folder: str | os.PathLike[str], pooler: str | None = None, *, normalize: bool = False,
        before_head: bool = False, max_length: int | None = None, threads: int = 0, precision: str = "f32",
        plugin_folders: Sequence[str | os.PathLike[str]] = (),
    ) -> None:
        if precision not in ("f32", "bf16"):
            raise ValueError(f"precision: expected 'f32' or 'bf16', found {precision!r}")
        options = lib.EncoderOptions(
            flags=(lib.NORMALIZE if normalize else 0) | (lib.BEFORE_HEAD if before_head else 0)
            | (lib.BF16 if precision == "bf16" else 0),
            folder=os.fsencode(folder), pooler=None if pooler is None else pooler.encode(), max_length=max_length or 0)
        #: What the library computes with.
        self.context = context(plugin_folders, threads)
        self.handle = c.c_void_p()
        library().check(library().encoder_open(self.context.handle, options, c.byref(self.handle)))
        weakref.finalize(self, library().encoder_close, self.handle)
        #: Numbers of an embedding.
        self.width: int = library().counted(library().encoder_width(self.handle))
        #: Tokens of a sentence at most; longer ones are cut.
        self.max_length: int = library().counted(library().encoder_max_length(self.handle))
        #: What makes one vector of a sentence's token states.
        self.pooler: str = library().encoder_pooler(self.handle).decode()

    @overload
    def encode(self, sentences: str) -> np.ndarray: ...
    @overload
    def encode(self, sentences: Sequence[str]) -> np.ndarray: ...

    def encode(self, sentences: str | Sequence[str]) -> np.ndarray:
        """The embeddings, float32 [len(sentences), width]; of a single text [width].

        Sentences that were longer than `max_length` and cut are counted in the log (level INFO).
        """
        if isinstance(sentences, str):
            return self.encode([sentences]).reshape(-1)
        result = np.empty((len(sentences), self.width), np.float32)
        cut = replaced = 0
        for start in range(0, len(sentences), _SENTENCES_A_CALL):
            texts, lengths = c_texts(sentences[start : start + _SENTENCES_A_CALL])
            report = lib.EncodeReport()
            library().check(library().encoder_encode(
                self.handle, texts, lengths.ctypes.data, len(texts), result[start:].ctypes.data, report))
            cut, replaced = cut + report.cut, replaced + report.replaced_bytes
        if cut:
            logger.info("%d of %d sentences were longer than %d tokens and were cut", cut, len(result), self.max_length)
        if replaced:
            logger.warning("%d bytes of the sentences are no UTF-8 and were read as U+FFFD", replaced)
        return result


class Tokenizer:
    """The tokenizer of a Hugging Face folder: text to ids, special tokens included."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._handle = c.c_void_p()
        library().check(library().tokenizer_open(os.fsencode(folder), c.byref(self._handle)))
        weakref.finalize(self, library().tokenizer_close, self._handle)

    def __len__(self) -> int:
        """One more than the largest id."""
        return library().counted(library().tokenizer_size(self._handle))

    def encode(self, text: str, max_length: int | None = None) -> list[int]:
        """The ids of a text; with max_length (2 or more) so many at most."""
        data, count = _bytes(text), c.c_int64()
        # No text has more tokens than bytes, but for the special ones.
        room = len(data) + 16
        while True:
            ids = (c.c_int32 * room)()
            library().check(library().tokenizer_encode(
                self._handle, data, len(data), max_length or 0, ids, room, c.byref(count)))
            if count.value <= room:
                return list(ids[: count.value])
            room = count.value

    def token(self, id: int) -> str | None:
        """The text of an id as the vocabulary spells it, "##ing"; None where it names none."""
        text = library().tokenizer_token(self._handle, id)
        return None if text is None else text.decode()
