"""From which gain on the strong model is worth it, so that a stated share of its quality is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import NormalDist


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Send a prompt to the strong model when its gain is `threshold` or more.

    `strong_share` of the labels would have gone there, and `quality` is what was kept of the strong model's on them;
    `lower` is what is kept on prompts like them at least, with the confidence that was asked for.
    """

    threshold: float
    strong_share: float
    quality: float
    lower: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`gain` as scored by a fit that had not seen the row; both qualities as they were, from 0 to 1."""

    gain: float
    weak: float
    strong: float


def threshold(outcomes: Sequence[Outcome], *, floor: float, confidence: float = 0.95) -> Calibration:
    """The highest threshold that keeps `floor` (0.95: 95 %) of the strong model's quality.

    Kept means: the one-sided lower bound at `confidence` of the mean of (routed - floor · strong), by the normal
    approximation over rows, is not under zero. Where no threshold keeps it, the answer is minus infinity: always the
    strong model, which keeps everything. Raises ValueError without outcomes.
    """
    if not outcomes:
        raise ValueError("a threshold needs outcomes: none were given")
    margin = NormalDist().inv_cdf(confidence)
    ordered = sorted(outcomes, key=lambda one: -one.gain)
    count, strong = len(ordered), sum(one.strong for one in ordered)
    excess = [one.weak - floor * one.strong for one in ordered]
    total, squares, sent = sum(excess), sum(one * one for one in excess), 0
    best = _at(math.inf, sent, total, squares, count, strong, floor, margin)
    for gain, tied in groupby(ordered, key=lambda one: one.gain):
        if best.lower >= floor:
            return best
        for one in tied:
            before, after = one.weak - floor * one.strong, (1 - floor) * one.strong
            total, squares, sent = total + after - before, squares + after**2 - before**2, sent + 1
        best = _at(gain, sent, total, squares, count, strong, floor, margin)
    return Calibration(threshold=-math.inf, strong_share=1.0, quality=1.0, lower=1.0)


def _at(
    gain: float, sent: int, total: float, squares: float, count: int, strong: float, floor: float, margin: float
) -> Calibration:
    mean = total / count
    error = math.sqrt(max(0.0, squares / count - mean**2) / count)
    scale = strong / count or 1.0
    return Calibration(
        threshold=gain,
        strong_share=sent / count,
        quality=floor + mean / scale,
        lower=floor + (mean - margin * error) / scale,
    )
