"""The decision: among the models that can answer a call, the one that is wanted and good enough, or the default.

A model is **good enough** when, with the stated confidence, no more quality is lost by taking it in the default's place
than the call tolerates, and when that is known of the organization's own calls. Of the others nothing is known: with
them the router abstains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Literal, NamedTuple

from .candidates import Candidate
from .gain import Loss
from .wishes import Wishes

Verdict = Literal["chosen", "default", "good", "unsure", "worse", "avoided", "unfit"]
"""``unsure``: too little is known; ``worse``: enough is known, and it loses more than is tolerated; ``avoided``: tried
only when the others have not answered; ``unfit``: never tried."""

_CLEARLY: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """``confidence`` is the probability with which the tolerance must be kept, ``min_labels`` how many comparisons or
    pairs of ratings must have been seen."""

    confidence: float = 0.7
    min_labels: int = 6


class Judged(NamedTuple):
    """One candidate with what was found of it. ``flip`` says in words what would have changed that."""

    candidate: Candidate
    verdict: Verdict
    loss: Loss
    unfit: str = ""
    flip: str = ""

    @property
    def model(self) -> str:
        return self.candidate.model


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``judged`` in the order in which they are to be tried; those that are unfit come last. ``reference`` is the model
    that the losses are against. ``selected`` is None when every one is unfit."""

    judged: tuple[Judged, ...]
    reference: str
    selected: Judged | None
    why: str

    @property
    def fit(self) -> tuple[Judged, ...]:
        return tuple(one for one in self.judged if one.verdict != "unfit")


def decide(
    candidates: Sequence[Candidate],
    *,
    default: str,
    wishes: Wishes,
    caution: Caution,
    loss_of: Callable[[Candidate, Candidate], Loss],
) -> Decision:
    """``loss_of`` takes a candidate and the reference: ``default``, or the best there is where that is unfit."""
    unfit = {one.model: _unfit(one, wishes) for one in candidates}
    fit = [one for one in candidates if not unfit[one.model]]
    ready = [one for one in fit if not one.avoid]
    reference = _reference(ready or fit or candidates, default)
    judged = [
        Judged(one, "avoided", _NONE, one.avoid)
        if one.avoid and ready and not unfit[one.model]
        else _judged(one, reference, unfit[one.model], wishes, caution, loss_of)
        for one in candidates
    ]
    pool = [one for one in judged if one.verdict in ("default", "good")]
    if not pool:
        return Decision(judged=tuple(judged), reference=reference.model, selected=None, why="no model is fit")
    best = min(pool, key=_preference(wishes, caution, reference))
    chosen = Judged(candidate=best.candidate, verdict="chosen", loss=best.loss)
    rest = sorted((one for one in judged if one is not best), key=_fallback)
    why = _why(best, judged, wishes, reference.model == default)
    return Decision(judged=(chosen, *rest), reference=reference.model, selected=chosen, why=why)


def _unfit(one: Candidate, wishes: Wishes) -> str:
    if one.lacks:
        return f"it lacks {', '.join(one.lacks)}"
    most = wishes.max_latency_ms
    if most is not None and one.slow_seconds is not None and one.slow_seconds * 1000 > most:
        return f"95 of 100 answers take up to {one.slow_seconds * 1000:.0f} ms"
    dear = wishes.max_cost_nano_usd
    if dear is not None and one.cost_nano_usd is not None and one.cost_nano_usd > dear:
        return f"it is estimated at {one.cost_nano_usd / 1e9:.6f} USD"
    return ""


def _reference(candidates: Sequence[Candidate], default: str) -> Candidate:
    named = [one for one in candidates if one.model == default]
    return named[0] if named else max(candidates, key=lambda one: one.quality or 0.0)


def _judged(
    one: Candidate,
    reference: Candidate,
    unfit: str,
    wishes: Wishes,
    caution: Caution,
    loss_of: Callable[[Candidate, Candidate], Loss],
) -> Judged:
    if one is reference and not unfit:
        return Judged(candidate=one, verdict="default", loss=_NONE)
    loss = _NONE if one is reference else loss_of(one, reference)
    if unfit:
        return Judged(candidate=one, verdict="unfit", loss=loss, unfit=unfit)
    if loss.labels < caution.min_labels:
        missing = caution.min_labels - loss.labels
        return Judged(
            candidate=one, verdict="unsure", loss=loss, flip=f"{missing} more comparisons that it does not lose"
        )
    if loss.allowed is not None:
        return Judged(candidate=one, verdict="good" if loss.allowed else "worse", loss=loss)
    if loss.at_most(wishes.tolerance) >= caution.confidence:
        return Judged(candidate=one, verdict="good", loss=loss)
    kept = 1 - loss.bound(caution.confidence)
    worse = loss.at_most(wishes.tolerance) < _CLEARLY
    return Judged(
        candidate=one,
        verdict="worse" if worse else "unsure",
        loss=loss,
        flip=f"min_quality of {max(0.0, kept):.2f} or less",
    )


_NONE: Final = Loss(mean=0.0, deviation=0.0)


def _preference(wishes: Wishes, caution: Caution, reference: Candidate) -> Callable[[Judged], tuple[float, bool]]:
    """Smallest first. What is not known of a model does not speak for it: the default wins then."""
    if wishes.optimize_for == "cost":
        return lambda one: (_or_inf(one.candidate.cost_nano_usd), one.candidate is not reference)
    if wishes.optimize_for == "latency":
        return lambda one: (_or_inf(one.candidate.seconds), one.candidate is not reference)

    def by_quality(one: Judged) -> tuple[float, bool]:
        surely = one.candidate is reference or one.loss.at_most(0.0) >= caution.confidence
        return (one.loss.mean if surely else inf, one.candidate is not reference)

    return by_quality


def _fallback(one: Judged) -> tuple[float, ...]:
    """The default first, then by how little is lost."""
    places = {"default": 0, "good": 1, "unsure": 2, "worse": 2, "avoided": 3}
    return (places.get(one.verdict, 4), one.loss.mean)


def _or_inf(value: float | None) -> float:
    return inf if value is None else value


def _why(best: Judged, judged: Sequence[Judged], wishes: Wishes, as_configured: bool) -> str:
    if best.verdict == "good":
        return f"{wishes.optimize_for}, loses {best.loss.mean:.3f} at {best.loss.labels} labels"
    if not as_configured:
        return "the best of the rest, the default is not to be called"
    if any(one.verdict == "unsure" for one in judged):
        return "default, of others too little is known"
    return "default, no other is better by " + wishes.optimize_for
