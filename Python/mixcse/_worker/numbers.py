"""The host's random numbers: Philox4x32-10 by instance, batch and position, as Sources/CKernels/philox.c makes them.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from typing import Any

import numpy as np

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_FACTORS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_STEPS = 0x9E3779B9, 0xBB67AE85
#: Where `seed` lies: far from what anybody draws.
_SEED_BLOCK = 1 << 40


def words(key: int, batch: int, first: int, count: int) -> np.ndarray:
    """`count` blocks of four words, from block `first` on: uint32 [count, 4]."""
    blocks = np.arange(first, first + count, dtype=np.uint64)
    a, b = blocks & _MASK, blocks >> _SHIFT
    c = np.full(count, batch & 0xFFFFFFFF, np.uint64)
    d = np.full(count, batch >> 32 & 0xFFFFFFFF, np.uint64)
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p, q = a * _FACTORS[0], c * _FACTORS[1]
        a, b, c, d = (q >> _SHIFT) ^ b ^ np.uint64(k0), q & _MASK, (p >> _SHIFT) ^ d ^ np.uint64(k1), p & _MASK
        k0, k1 = (k0 + _STEPS[0]) & 0xFFFFFFFF, (k1 + _STEPS[1]) & 0xFFFFFFFF
    return np.stack([a, b, c, d], axis=1).astype(np.uint32)


def seed(key: int, batch: int) -> int:
    """64 bits of this instance and batch, for a generator of one's own. One block by itself: `words` is for many."""
    low = 0xFFFFFFFF
    a, b, c, d = _SEED_BLOCK & low, _SEED_BLOCK >> 32, batch & low, batch >> 32 & low
    k0, k1 = key & low, key >> 32
    for _ in range(10):
        p, q = a * int(_FACTORS[0]), c * int(_FACTORS[1])
        a, b, c, d = q >> 32 ^ b ^ k0, q & low, p >> 32 ^ d ^ k1, p & low
        k0, k1 = k0 + _STEPS[0] & low, k1 + _STEPS[1] & low
    return a | b << 32


class Random:
    """Numbers of this instance and batch: the same in each call on it, so a gradient sees what its function saw.

    Each call of a method goes on where the last one ended; `at` begins elsewhere.
    """

    def __init__(self, key: int, batch: int, convert: Any) -> None:
        self._key, self._batch, self._convert, self._next = key, batch, convert, 0

    def at(self, position: int) -> "Random":
        """The numbers from a position on, of which there are 2^42."""
        other = Random(self._key, self._batch, self._convert)
        other._next = position
        return other

    def _take(self, count: int) -> np.ndarray:
        """Words for `count` numbers, from a whole pair on."""
        start = self._next + self._next % 2
        self._next = start + count
        first, skip = start // 4, start % 4
        return words(self._key, self._batch, first, (skip + count + 3) // 4).reshape(-1)[skip:]

    def uniform(self, *shape: int) -> Any:
        """float32 in [0, 1)."""
        count = int(np.prod(shape, dtype=np.int64))
        found = (self._take(count)[:count] >> 8).astype(np.float32) * np.float32(2.0**-24)
        return self._convert(found.reshape(shape))

    def normal(self, *shape: int) -> Any:
        """float32 of mean 0 and deviation 1 (Box and Muller)."""
        count = int(np.prod(shape, dtype=np.int64))
        pairs = (self._take(count + count % 2)[: count + count % 2] >> 8).astype(np.float64).reshape(-1, 2)
        radius = np.sqrt(-2 * np.log(pairs[:, 0] * 2.0**-24 + 2.0**-25))
        angle = pairs[:, 1] * (2.0**-24 * 2 * np.pi)
        found = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]
        return self._convert(found.astype(np.float32).reshape(shape))

    def integers(self, low: int, high: int, *shape: int) -> Any:
        """int64 from `low` to below `high`."""
        count = int(np.prod(shape, dtype=np.int64))
        found = self._take(2 * count)[: 2 * count].astype(np.uint64)
        wide = (found[0::2] << _SHIFT | found[1::2]) >> np.uint64(11)
        scaled = low + np.floor(wide.astype(np.float64) * 2.0**-53 * (high - low)).astype(np.int64)
        return self._convert(scaled.reshape(shape))

    def permutation(self, count: int) -> Any:
        """The numbers below `count` in some order."""
        return self._convert(np.argsort(np.asarray(self.uniform(count)), kind="stable"))
