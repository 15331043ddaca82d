"""Weights as bytes: numbers in JSON, the n-grams' in one byte each, all of it compressed."""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Sequence
from typing import Any, Final

from .features import NAMES
from .grams import BUCKETS
from .model import Kind, Patch, Weights

MAGIC: Final = b"cognitude routing weights 1\n"
_DIGITS: Final = 4


def dumps(weights: Weights) -> bytes:
    """About 200 kB at most. The n-grams' numbers are rounded to 127 steps."""
    slopes, slope_step = _steps(weights.gram_slopes)
    squares, square_step = _steps(weights.gram_squares)
    head = {
        "names": NAMES,
        "centre": _short(weights.centre),
        "steepness": _short(weights.steepness),
        "kinds": [_plain(kind) for kind in weights.kinds],
        "gain": round(weights.gain, _DIGITS),
        "rows": weights.rows,
        "steps": [slope_step, square_step],
    }
    body = json.dumps(head, separators=(",", ":")).encode() + b"\n" + slopes + squares
    return MAGIC + zlib.compress(body, 9)


def loads(packed: bytes) -> Weights:
    """Raises ValueError for bytes that are no weights, or weights of other values than this version describes."""
    if not packed.startswith(MAGIC):
        raise ValueError("these are no routing weights of this version: train again")
    try:
        body = zlib.decompress(packed[len(MAGIC) :])
    except zlib.error as error:
        raise ValueError(f"the routing weights are damaged: {error}") from error
    line, _, tables = body.partition(b"\n")
    head: dict[str, Any] = json.loads(line)
    if tuple(head.get("names", ())) != NAMES or len(tables) != 2 * BUCKETS:
        raise ValueError("the routing weights are of other features than this version describes: train again")
    slopes, squares = (
        array("d", [step * one for one in array("b", part)])
        for step, part in zip(head["steps"], (tables[:BUCKETS], tables[BUCKETS:]), strict=True)
    )
    return Weights(
        centre=tuple(head["centre"]),
        steepness=tuple(head["steepness"]),
        kinds=tuple(_kind(one) for one in head["kinds"]),
        gram_slopes=slopes,
        gram_squares=squares,
        seen=bytes(map(bool, squares)),
        gain=head["gain"],
        rows=head["rows"],
    )


def rounded(weights: Weights) -> Weights:
    """As they are after having been packed, so that what was measured is what is shipped."""
    return loads(dumps(weights))


def _steps(values: Sequence[float]) -> tuple[bytes, float]:
    step = max(map(abs, values)) / 127 or 1.0
    return array("b", [round(one / step) for one in values]).tobytes(), step


def _short(values: Sequence[float]) -> list[float]:
    return [float(f"{one:.{_DIGITS}g}") for one in values]


def _plain(part: Kind | Patch) -> dict[str, Any]:
    return {name: _plain_value(getattr(part, name)) for name in part.__slots__}


def _plain_value(value: Any) -> Any:
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return _short([value])[0]
    return [_plain(one) for one in value] if value and isinstance(value[0], Patch) else _short(value)


def _kind(plain: dict[str, Any]) -> Kind:
    return Kind(**_values(plain) | {"patches": tuple(Patch(**_values(one)) for one in plain["patches"])})


def _values(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
