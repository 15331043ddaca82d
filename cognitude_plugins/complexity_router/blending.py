"""How far lines and n-grams may be trusted in each kind, from what they said of rows they had not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .linear import dot
from .table import Table

FEWEST_FOR_GRAMS: Final = 300
ENOUGH_FOR_GRAMS: Final = 1_000
"""N-grams have a voice from the first of these numbers of labels on, and their whole one from the second on."""
DOUBT: Final = 1.5
"""A kind's slope is shrunk by the square of this over its t-value, and is 0 below: its prompts are not told apart."""
_STEEPEST: Final = 1.5


@dataclass(frozen=True, slots=True)
class Trust:
    """Of one kind: gain = offset + line · (the line's gain) + grams · (the n-grams' gain)."""

    offset: float
    line: float
    grams: float
    gain: float
    """The kind's own mean."""

    def at(self, line: float, grams: float) -> float:
        return self.offset + self.line * line + self.grams * grams


def trusts(table: Table, lines: Sequence[float], grams: Sequence[float]) -> list[Trust]:
    """One per kind. `lines` and `grams` are gains of rows held out, one per row."""
    line, gram = _shares(table, lines, grams)
    mixed = [line * one + gram * other for one, other in zip(lines, grams, strict=True)]
    return [_trust(table, kind, mixed, line, gram) for kind in range(len(table.centres))]


def _trust(table: Table, kind: int, mixed: Sequence[float], line: float, gram: float) -> Trust:
    rows = table.members(kind)
    if not rows:
        return Trust(0.0, line, gram, 0.0)
    weights = [table.weights[row] for row in rows]
    gains = [table.gains[row] for row in rows]
    said = [mixed[row] for row in rows]
    slope, middle, gain = _believable(said, gains, weights)
    return Trust(gain - slope * middle, slope * line, slope * gram, gain)


def _believable(said: Sequence[float], gains: Sequence[float], weights: Sequence[float]) -> tuple[float, float, float]:
    """The slope of gains over what was said of them, shrunk by its doubt; the means of both."""
    middle, gain = _mean(said, weights), _mean(gains, weights)
    spread = _cross(said, said, weights)
    if spread < 1e-9 or len(said) < 3:
        return 0.0, middle, gain
    slope = _cross(said, gains, weights) / spread
    left = max(1e-9, _cross(gains, gains, weights) - slope**2 * spread)
    error = math.sqrt(left / (len(said) - 2) / spread)
    certain = 1 - (DOUBT * error / slope) ** 2 if slope > 0 else 0.0
    return min(_STEEPEST, slope) * max(0.0, certain), middle, gain


def _shares(table: Table, lines: Sequence[float], grams: Sequence[float]) -> tuple[float, float]:
    """Of both, not negative, by least squares; then the n-grams' held to what so many labels can say."""
    weights, gains = table.weights, table.gains
    ll, gg, lg = _cross(lines, lines, weights), _cross(grams, grams, weights), _cross(lines, grams, weights)
    ly, gy = _cross(lines, gains, weights), _cross(grams, gains, weights)
    free = ll * gg - lg**2
    gram = (ll * gy - lg * ly) / free if free > 1e-9 else 0.0
    line = (gg * ly - lg * gy) / free if free > 1e-9 else 0.0
    if line < 0:
        gram = gy / gg
    voice = (len(gains) - FEWEST_FOR_GRAMS) / (ENOUGH_FOR_GRAMS - FEWEST_FOR_GRAMS)
    gram = max(0.0, gram) * max(0.0, min(1.0, voice))
    line = max(0.0, (ly - gram * lg) / ll) if ll > 1e-9 else 0.0
    return line, gram


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return dot(values, weights) / sum(weights)


def _cross(one: Sequence[float], other: Sequence[float], weights: Sequence[float]) -> float:
    """Weighted sum of products about the means."""
    both = sum([a * b * weight for a, b, weight in zip(one, other, weights, strict=True)])
    return both - _mean(one, weights) * _mean(other, weights) * sum(weights)
