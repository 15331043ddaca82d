"""Encoded sketches added up: many at once, one after the other in one text of bytes.

What is read of the ledger for a quarter are thousands of sketches with dozens of buckets each, so this is written for
speed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from math import floor
from typing import Final

from .sketch import LAST, middle

BETWEEN: Final = b"\x80\x00"
"""Between two sketches. No number in them is written so: it would be 0 in two bytes."""

_MIDDLES: Final = tuple(map(middle, range(LAST + 1)))
_LONG: Final = re.compile(rb"([\x80-\xff]+[\x00-\x7f])").split


class Counts:
    """How many are in each bucket. Those below ``low`` and from ``high`` on are empty."""

    __slots__ = ("high", "low", "of")

    def __init__(self) -> None:
        self.of = [0] * (LAST + 1)
        self.low = LAST + 1
        self.high = 0

    def add(self, sketches: bytes, out_of: Counts | None = None) -> None:
        """Sketches with `BETWEEN` between them, which are taken ``out_of`` other counts.

        Raises ``ValueError`` for what `encode` did not make.
        """
        mine = self.of
        for distances, numbers in _decoded(sketches):
            index = 0
            if out_of is None:
                for index, count in zip(accumulate(distances), numbers, strict=True):
                    mine[index] += count
            else:
                other = out_of.of
                for index, count in zip(accumulate(distances), numbers, strict=True):
                    mine[index] += count
                    other[index] -= count
            self._reaches(distances[0] if distances else LAST, index)

    def count(self, bucket: int, number: int) -> None:
        self.of[bucket] += number
        self._reaches(bucket, bucket)

    def quantiles(self, wanted: Sequence[float]) -> tuple[float, ...]:
        """Microseconds at each, as `sketch.quantile` has them; nothing of nothing."""
        low = self.low
        reached = list(accumulate(self.of[low : self.high]))
        if not reached or not reached[-1]:
            return ()
        last = reached[-1] - 1
        return tuple([_MIDDLES[low + bisect_right(reached, floor(one * last))] for one in wanted])

    @classmethod
    def together(cls, several: Iterable[Counts]) -> Counts:
        counts, found = cls(), list(several)
        if found:
            low, high = min(one.low for one in found), max(one.high for one in found)
            counts.of[low:high] = map(sum, zip(*(one.of[low:high] for one in found), strict=True))
            counts.low, counts.high = low, high
        return counts

    def _reaches(self, first: int, last: int) -> None:
        self.low = min(self.low, first)
        self.high = max(self.high, last + 1)


def _decoded(sketches: bytes) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """Of each one, how far each bucket is from the one before, and the counts."""
    for sketch in sketches.split(BETWEEN):
        numbers = sketch if sketch.isascii() else _numbers(sketch)
        yield numbers[::2], numbers[1::2]


def _numbers(sketch: bytes) -> list[int]:
    """Most are of one byte: only the others are looked at one by one."""
    pieces = iter(_LONG(sketch))
    numbers = list(next(pieces))
    for long in pieces:
        numbers.append(_number(long))
        numbers += next(pieces)
    return numbers


@lru_cache(maxsize=16_384)
def _number(long: bytes) -> int:
    return sum((byte & 127) << 7 * place for place, byte in enumerate(long))
