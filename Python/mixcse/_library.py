"""The C functions of mixcse.h through ctypes; nothing is compiled. Everything else calls them by way of this module."""

import ctypes as c
import functools
import logging
from typing import TYPE_CHECKING, Any

from . import _places
from ._errors import Error, error

logger = logging.getLogger("mixcse")
POINTER, TEXT, U32, I32, I64, U64 = c.c_void_p, c.c_char_p, c.c_uint32, c.c_int32, c.c_int64, c.c_uint64
API_VERSION = 1
PARAMETERS, GRADIENTS, STATES, METRICS, BLOCKS, ENCODINGS = range(1, 7)
LEARN_TEMPERATURE = ALLOW_INSECURE_PLUGINS = NORMALIZE = NO_DECAY = REPLACE = 1
BEFORE_HEAD = 2
BF16 = 4
LOG_FUNCTION = c.CFUNCTYPE(None, POINTER, I32, TEXT)


class Struct(c.Structure):
    """A struct that starts with its size."""

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.struct_size = c.sizeof(self)


class Settings(Struct):
    _fields_ = [("struct_size", U32), ("flags", U32), ("plugin_folders", c.POINTER(TEXT)), ("n_plugin_folders", U32),
                ("threads", I32), ("log", LOG_FUNCTION), ("log_user", POINTER), ("python", TEXT)]


class Component(Struct):
    _fields_ = [("struct_size", U32), ("reserved", U32), ("kind", TEXT), ("name", TEXT), ("library", TEXT),
                ("path", TEXT), ("summary", TEXT)]


class ObjectiveOptions(Struct):
    _fields_ = [("struct_size", U32), ("flags", U32), ("strategy", TEXT), ("width", I64), ("rows", I64),
                ("views", U32), ("n_guides", U32), ("guide_widths", c.POINTER(I64)), ("seed", U64),
                ("temperature", c.c_double), ("hard_negative_weight", c.c_double)]


class Batch(Struct):
    _fields_ = [("struct_size", U32), ("n_views", U32), ("rows", I64), ("z", c.POINTER(POINTER)),
                ("dz", c.POINTER(POINTER)), ("row_ids", POINTER), ("text_ids", POINTER), ("scores", POINTER),
                ("classes", POINTER), ("encodings", c.POINTER(POINTER)), ("n_encodings", U32), ("reserved", U32),
                ("step", I64), ("total_steps", I64), ("epoch", c.c_double), ("batch", I64)]


class Tensor(Struct):
    _fields_ = [("struct_size", U32), ("type", U32), ("name", TEXT), ("n_dimensions", U32), ("flags", U32),
                ("shape", I64 * 4), ("byte_count", I64), ("learning_rate_factor", c.c_double)]


class Block(Struct):
    _fields_ = [("struct_size", U32), ("group", U32), ("label", TEXT), ("sampler", TEXT), ("rows", TEXT),
                ("columns", TEXT), ("detached", TEXT), ("negatives", I64), ("mean_logit", c.c_double)]


class Encoding(Struct):
    _fields_ = [("struct_size", U32), ("by", U32), ("text", TEXT), ("view", I32), ("guide", U32),
                ("dropout", c.c_float), ("decay", c.c_float), ("width", I64)]


class EncoderOptions(Struct):
    _fields_ = [("struct_size", U32), ("flags", U32), ("folder", TEXT), ("pooler", TEXT), ("max_length", I64)]


class EncodeReport(Struct):
    _fields_ = [("struct_size", U32), ("reserved", U32), ("cut", I64), ("replaced_bytes", I64)]


class GraphOptions(Struct):
    _fields_ = [("struct_size", U32), ("flags", U32), ("links", I32), ("build_width", I32)]


_FUNCTIONS = {
    "last_error": (TEXT, []),
    "api_version": (I32, []),
    "version": (TEXT, []),
    "context_open": (I32, [c.POINTER(Settings), c.POINTER(POINTER)]),
    "context_close": (None, [POINTER]),
    "context_components": (I64, [POINTER]),
    "context_component": (I32, [POINTER, I64, c.POINTER(Component)]),
    "objective_open": (I32, [POINTER, c.POINTER(ObjectiveOptions), c.POINTER(POINTER)]),
    "objective_close": (None, [POINTER]),
    "objective_text": (TEXT, [POINTER]),
    "objective_evaluate": (I32, [POINTER, c.POINTER(Batch), c.POINTER(c.c_double)]),
    "objective_commit": (I32, [POINTER]),
    "objective_set": (I32, [POINTER, TEXT, TEXT]),
    "objective_count": (I64, [POINTER, I32]),
    "objective_tensor": (I32, [POINTER, I32, I64, c.POINTER(Tensor)]),
    "objective_read": (I32, [POINTER, I32, I64, POINTER, I64]),
    "objective_write": (I32, [POINTER, I32, I64, POINTER, I64]),
    "objective_metric": (I32, [POINTER, I64, c.POINTER(TEXT), c.POINTER(c.c_double)]),
    "objective_block": (I32, [POINTER, I64, c.POINTER(Block)]),
    "objective_encoding": (I32, [POINTER, I64, c.POINTER(Encoding)]),
    "encoder_open": (I32, [POINTER, c.POINTER(EncoderOptions), c.POINTER(POINTER)]),
    "encoder_close": (None, [POINTER]),
    "encoder_width": (I64, [POINTER]),
    "encoder_max_length": (I64, [POINTER]),
    "encoder_pooler": (TEXT, [POINTER]),
    "encoder_encode": (I32, [POINTER, c.POINTER(TEXT), POINTER, I64, POINTER, c.POINTER(EncodeReport)]),
    "index_build": (I32, [POINTER, TEXT, U32, c.POINTER(TEXT), POINTER, I64]),
    "index_add": (I32, [POINTER, TEXT, c.POINTER(TEXT), POINTER, I64]),
    "index_open": (I32, [POINTER, POINTER, TEXT, c.POINTER(POINTER)]),
    "index_close": (None, [POINTER]),
    "index_size": (I64, [POINTER]),
    "index_width": (I64, [POINTER]),
    "index_search": (I32, [POINTER, POINTER, I64, I64, c.c_double, POINTER, POINTER]),
    "index_text": (TEXT, [POINTER, I64]),
    "index_graph": (I32, [POINTER, TEXT, c.POINTER(GraphOptions), c.POINTER(I64)]),
    "index_search_approximately": (I32, [POINTER, POINTER, I64, I64, c.c_double, I64, POINTER, POINTER]),
    "tokenizer_open": (I32, [TEXT, c.POINTER(POINTER)]),
    "tokenizer_close": (None, [POINTER]),
    "tokenizer_encode": (I32, [POINTER, TEXT, I64, I64, POINTER, I64, c.POINTER(I64)]),
    "tokenizer_size": (I64, [POINTER]),
    "tokenizer_token": (TEXT, [POINTER, I32]),
}


class Library:
    """The loaded library: a function for each of mixcse.h, without its prefix."""

    def __init__(self) -> None:
        path = _places.library()
        try:
            handle = c.CDLL(str(path))
        except OSError as reason:
            raise Error(f"{path} cannot be loaded: {reason}; build it again (make build), with Swift's runtime in "
                        "place") from reason
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(handle, "mixcse_" + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)
        if self.api_version() != API_VERSION:
            raise Error(f"{path}: expected version {API_VERSION} of mixcse.h, found {self.api_version()}; install the "
                        "package and the library of one version")

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def check(self, code: int) -> None:
        """Raises what the last call says, if it failed."""
        if code != 0:
            raise error(self.last_error().decode(), code)

    def counted(self, count: int) -> int:
        """A count, or what the last call says where it failed."""
        if count < 0:
            raise error(self.last_error().decode(), 64)
        return count


@functools.cache
def library() -> Library:
    """The library, loaded at the first call."""
    return Library()


def _log(user: int | None, level: int, line: bytes) -> None:
    """Lines of the library and of plugins go to the logger "mixcse"."""
    levels = {1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING, 4: logging.ERROR}
    logger.log(levels.get(level, logging.INFO), "%s", line.decode(errors="replace"))


#: What contexts are given to speak with.
log = LOG_FUNCTION(_log)
