"""A prompt's features as bytes: what is kept of a prompt that is learned from. No text can be read from it."""

from __future__ import annotations

import zlib
from array import array
from typing import Final

from .features import NAMES, Features
from .grams import BUCKETS

_VERSION: Final = 1


def dumps(features: Features) -> bytes:
    """Some hundred bytes for a question."""
    numbers = array("f", features.values)
    grams = array("I", features.grams)
    head = array("I", (_VERSION, features.characters, len(numbers)))
    return zlib.compress(head.tobytes() + numbers.tobytes() + grams.tobytes(), 6)


def loads(packed: bytes) -> Features:
    """Raises ``ValueError`` for what `dumps` did not make, and for features of another version."""
    try:
        raw = zlib.decompress(packed)
    except zlib.error as error:
        raise ValueError(f"these are no features: {error}") from None
    if len(raw) % 4 or len(raw) < 12:
        raise ValueError("these are no features: they break off")
    version, characters, count = array("I", raw[:12])
    numbers, grams = array("f", raw[12 : 12 + 4 * count]), array("I", raw[12 + 4 * count :])
    if version != _VERSION or len(numbers) != len(NAMES) or any(one >= BUCKETS for one in grams):
        raise ValueError("these features are of another version")
    return Features(values=tuple(numbers), grams=tuple(grams), characters=characters)
