"""How much better the stronger model's answer to a prompt will be, and whether the labels had such prompts at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul, sub

from .features import Features
from .linear import dot

MOST_DEVIATIONS = 2.5
"""A value further from the mean of the labels is taken to be this far: a line is not drawn to where nobody was."""
FAR = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Labels of one kind that lie closely together, and how far from them a prompt may be to be one of theirs."""

    centre: tuple[float, ...]
    half_square: float
    tightness: tuple[float, ...]
    """1 / standard deviation of the patch's own prompts."""
    most_distance: float
    """In mean squares of those standard deviations."""
    most_unseen: float
    """Of a prompt's n-grams, the share that no labels had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Prompts that look alike, and what the labels say about them. Sequences go with `features.NAMES`.

    `centre` and `slopes` are of deviations (see `Weights`). Gains are differences of mean quality, -1 to 1.
    """

    centre: tuple[float, ...]
    half_square: float
    """Half the squared length of `centre`: the nearest centre is the one with the largest product less this."""
    patches: tuple[Patch, ...]
    slopes: tuple[float, ...]
    gram_slope: float
    offset: float
    gain: float
    """The mean of the labels."""
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """All that was learned from labels. A deviation is (value - centre) · steepness, at most `MOST_DEVIATIONS`."""

    centre: tuple[float, ...]
    steepness: tuple[float, ...]
    kinds: tuple[Kind, ...]
    gram_slopes: Sequence[float]
    """Bucket → slope times rarity."""
    gram_squares: Sequence[float]
    """Bucket → squared rarity; 0 where the labels had no such n-gram."""
    seen: bytes
    """Bucket → 1 where the labels had such an n-gram, else 0."""
    gain: float
    """The mean of all labels: what is said of a prompt that is not known."""
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """`gain` is the expected quality of the strong answer less that of the weak one, qualities being from 0 to 1.

    Where `known` is false the labels had no such prompts, and the gain is the mean of all labels: unknown prompts tie.
    """

    gain: float
    known: bool
    kind: int
    """Which of `Weights.kinds` is the nearest."""
    distance: float
    """From the nearest labels; up to 1 it may be one of them."""
    unseen: float
    """The share of its n-grams that no labels had."""


def score(weights: Weights, features: Features) -> Score:
    deviations = _deviations(weights, features)
    held = limited(deviations, MOST_DEVIATIONS)
    index = nearest(weights.kinds, held)
    kind = weights.kinds[index]
    patch = kind.patches[nearest(kind.patches, held)]
    apart = distance(patch, deviations) / (patch.most_distance or 1e-9)
    unseen = _unseen(weights, features)
    known = apart <= 1 and unseen <= patch.most_unseen
    gain = weights.gain
    if known:
        words = kind.gram_slope * gram_part(weights, features) if kind.gram_slope else 0.0
        gain = kind.offset + dot(kind.slopes, held) + words
    return Score(gain=max(-1.0, min(1.0, gain)), known=known, kind=index, distance=apart, unseen=unseen)


def limited(values: Sequence[float], most: float) -> list[float]:
    return [one if -most < one < most else most if one > 0 else -most for one in values]


def gram_part(weights: Weights, features: Features) -> float:
    """The product of the prompt's tf-idf, of length 1, with the slopes."""
    square = sum(map(weights.gram_squares.__getitem__, features.grams))
    return sum(map(weights.gram_slopes.__getitem__, features.grams)) / math.sqrt(square) if square else 0.0


def _deviations(weights: Weights, features: Features) -> list[float]:
    return list(map(mul, map(sub, features.values, weights.centre), weights.steepness))


def nearest(kinds: Sequence[Kind] | Sequence[Patch], held: Sequence[float]) -> int:
    if len(kinds) == 1:
        return 0
    near = [dot(kind.centre, held) - kind.half_square for kind in kinds]
    return near.index(max(near))


def distance(patch: Patch, deviations: Sequence[float]) -> float:
    apart = list(map(mul, map(sub, limited(deviations, FAR), patch.centre), patch.tightness))
    return dot(apart, apart) / len(apart)


def _unseen(weights: Weights, features: Features) -> float:
    count = len(features.grams)
    return 1 - sum(map(weights.seen.__getitem__, features.grams)) / count if count else 1.0
