"""Word n-grams as numbers: one and two tokens in a row, hashed alike in every process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

BUCKETS: Final = 1 << 17
_MASK: Final = BUCKETS - 1


def buckets(tokens: Sequence[bytes]) -> tuple[int, ...]:
    """The distinct buckets of every token and every two neighbours, in no order that matters; each under `BUCKETS`.

    The hash of a pair goes on from the hash of its first token, so both are made without joining any bytes.
    """
    single = list(map(crc32, tokens))
    double = map(crc32, tokens[1:], single)
    return tuple({one & _MASK for one in single} | {one & _MASK for one in double})
