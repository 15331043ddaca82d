"""A latency sketch: counts in logarithmic buckets, which merge by addition and give quantiles within 2 %.

The scheme is that of DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
relative-error guarantees", VLDB 2019): with γ = (1 + α) / (1 − α), bucket i counts the values in (γ^(i−1), γ^i], and
2 γ^i / (γ + 1) is within α of all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import floor
from typing import Final

ALPHA: Final = 0.02
_GAMMA: Final = (1 + ALPHA) / (1 - ALPHA)
LAST: Final = 640
"""The bucket of 1.3e11 µs, a day and a half; what is longer counts in it. 256 buckets would end at a factor of 28 000,
which is not the way from a cache hit to a long stream."""
ENDS: Final = tuple(floor(_GAMMA**index) for index in range(LAST))
"""The last whole number in each bucket but the last."""

Buckets = dict[int, int]


def bucket(microseconds: int) -> int:
    """Where a value counts; everything up to 1 µs in the first."""
    return bisect_left(ENDS, microseconds)


def merge(into: Buckets, other: Mapping[int, int]) -> None:
    if not into:
        into.update(other)
        return
    for index, count in other.items():
        into[index] = into.get(index, 0) + count


def quantile(buckets: Mapping[int, int], q: float) -> float | None:
    """Microseconds at ``q`` in 0 … 1: of n sorted values the one at index floor(q (n − 1)), within 2 %."""
    rank = floor(q * (sum(buckets.values()) - 1))
    seen = 0
    for index in sorted(buckets):
        seen += buckets[index]
        if seen > rank:
            return middle(index)
    return None


def middle(index: int) -> float:
    """Microseconds within 2 % of everything in a bucket."""
    return float(2 * _GAMMA**index / (_GAMMA + 1))


def encode(buckets: Mapping[int, int]) -> bytes:
    """Per bucket the distance from the one before and its count, both as LEB128: two bytes for most."""
    if len(buckets) == 1:
        [one] = buckets.items()
        return _encode_one(one)
    return _encode(buckets.items())


@lru_cache(maxsize=LAST + 1)
def _encode_one(bucket: tuple[int, int]) -> bytes:
    """Most of those of a single caller."""
    return _encode((bucket,))


def _encode(buckets: Iterable[tuple[int, int]]) -> bytes:
    out = bytearray()
    last = 0
    for index, count in sorted(buckets):
        for number in (index - last, count):
            while number > 127:
                out.append(number & 127 | 128)
                number >>= 7
            out.append(number)
        last = index
    return bytes(out)


def decode(data: bytes) -> Buckets:
    """Raises ``ValueError`` for what `encode` did not make."""
    numbers = list(data) if data.isascii() else list(_numbers(data))
    if len(numbers) % 2:
        raise ValueError("a sketch has a bucket without a count")
    buckets: Buckets = {}
    index = 0
    for distance, count in zip(numbers[::2], numbers[1::2], strict=True):
        index += distance
        buckets[index] = count
    return buckets


def _numbers(data: bytes) -> Iterable[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("a sketch ends in the middle of a number")
