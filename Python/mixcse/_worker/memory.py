"""The host's memory: two regions at the host's own addresses, arrays over its tensors, and the doorbell."""

import ctypes as c
import mmap
import os
import time
from typing import Any

import numpy as np

from .abi import P, Doorbell, Tensor

_libc = c.CDLL(None, use_errno=True)
_libc.mmap.restype = P
_libc.mmap.argtypes = [P, c.c_size_t, c.c_int, c.c_int, c.c_int, c.c_int64]
_libc.syscall.restype = c.c_long
_SHARED, _FIXED_NOREPLACE, _NORESERVE = 1, 0x100000, 0x4000
_FUTEX, _WAIT, _WAKE = 202, 0, 1
_TYPES: dict[tuple[int, int], np.dtype[Any]] = {(0, 64): np.dtype(np.int64), (2, 32): np.dtype(np.float32)}


class Regions:
    """What the host shows (read here only) and what both write."""

    def __init__(self, shown: tuple[int, int], shared: tuple[int, int]) -> None:
        self._regions = [
            self._map(3, *shown, mmap.PROT_READ), self._map(4, *shared, mmap.PROT_READ | mmap.PROT_WRITE)]

    @staticmethod
    def _map(descriptor: int, address: int, count: int, protection: int) -> tuple[int, int, memoryview]:
        found = _libc.mmap(address, count, protection, _SHARED | _FIXED_NOREPLACE | _NORESERVE, descriptor, 0)
        if found != address:
            raise OSError(c.get_errno(), f"mmap at 0x{address:x}: {os.strerror(c.get_errno())}")
        os.close(descriptor)
        view = memoryview((c.c_ubyte * count).from_address(address)).cast("B")
        return address, count, view if protection & mmap.PROT_WRITE else view.toreadonly()

    def array(self, address: int, shape: tuple[int, ...], dtype: np.dtype, strides: tuple[int, ...] | None = None,
              ) -> np.ndarray:
        """An array over the host's memory; what is only shown cannot be written."""
        if not address or 0 in shape:
            return np.zeros(shape, dtype)
        for start, count, view in self._regions:
            if start <= address < start + count:
                return np.ndarray(shape, dtype, view, address - start, strides)
        raise RuntimeError(f"the host gave an address, 0x{address:x}, that this process cannot see")

    def tensor(self, address: int) -> np.ndarray:
        """The array of a DLTensor."""
        described = Tensor.from_address(address)
        rank = described.ndim
        shape = tuple((c.c_int64 * rank).from_address(described.shape))
        dtype = _TYPES[described.code, described.bits]
        steps = (c.c_int64 * rank).from_address(described.strides)
        return self.array(described.data or 0, shape, dtype, tuple(step * dtype.itemsize for step in steps))

    def pointers(self, address: int, count: int) -> list[int]:
        """Addresses in a list; 0 for NULL. Nothing where the list is NULL."""
        return [value or 0 for value in (P * count).from_address(address)] if address else []

    def tensors(self, address: int, count: int) -> list[np.ndarray]:
        """The arrays of a list of DLTensors."""
        return [self.tensor(one) for one in self.pointers(address, count)]

    def numbers(self, address: int, count: int, dtype: type) -> np.ndarray:
        """`count` numbers in a row."""
        return self.array(address, (count,), np.dtype(dtype))


class Bell:
    """The doorbell: waits for the host's next question, and says that it is answered."""

    def __init__(self, address: int) -> None:
        self.shared = Doorbell.from_address(address)
        self._asked = c.c_uint32.from_address(address)
        self._answered = c.c_uint32.from_address(address + 4)
        self._limit = (c.c_int64 * 2)(1, 0)

    def wait(self) -> bool:
        """Waits for a question, at most a second."""
        expected = self._answered.value
        asked = self._asked
        # A question often follows another one at once; sleeping and waking take longer than this.
        end = time.perf_counter_ns() + 20_000
        while time.perf_counter_ns() < end:
            if asked.value != expected:
                return True
        _libc.syscall(c.c_long(_FUTEX), c.byref(asked), c.c_long(_WAIT), c.c_long(expected), c.byref(self._limit),
                      c.c_void_p(), c.c_long(0))
        return asked.value != expected

    def answer(self, status: int) -> None:
        """Ends the call with a status of the header."""
        self.shared.status = status
        self._answered.value = (self._answered.value + 1) & 0xFFFFFFFF
        _libc.syscall(c.c_long(_FUTEX), c.byref(self._answered), c.c_long(_WAKE), c.c_long(1), c.c_void_p(),
                      c.c_void_p(), c.c_long(0))
