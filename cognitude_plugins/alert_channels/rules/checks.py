"""A rule made ready: what it reads of the ledger, and what that says. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from hooks import Metric, Severity, Sums

from ..lifecycle.standing import Key
from .bound import Bound
from .metrics import Figure, Period, figure
from .settings import DEFAULT_WINDOW
from .slo import Pair, Slo

HOURLY: Final = timedelta(hours=1)
MINUTELY: Final = timedelta(minutes=1)
_FILTERS: Final = ("model", "provider", "key", "tag")
_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class Question(NamedTuple):
    """One reading: of how many minutes or of which period, split by what, of all organizations together or each."""

    span: int | Period
    dimensions: tuple[str, ...]
    together: bool


class Read(NamedTuple):
    """The sums of one question for one check, where their quantiles are, and of how many minutes they are."""

    sums: Sums
    places: Mapping[float, int]
    minutes: float


class Verdict(NamedTuple):
    """``broken`` is None where ``value`` is: it is not known."""

    value: float | None
    broken: bool | None


NOT_KNOWN: Final = Verdict(None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one rule asks about each organization. Of an slo there are as many as it has pairs of windows.

    ``values`` are those that the questions' dimensions must have. Where ``metric`` is set, that is read instead.
    """

    bound: Bound
    figure: Figure | None
    pair: Pair | None
    subject: str
    severity: Severity
    threshold: float
    every: timedelta
    questions: tuple[Question, ...]
    quantiles: tuple[float, ...]
    values: tuple[str, ...]
    judge: Callable[[Sequence[Read]], Verdict]
    metric: Metric | None = None

    @property
    def period(self) -> Period | None:
        return None if self.figure is None else self.figure.period

    def of(self, value: float | None) -> Verdict:
        """Of a metric that was read."""
        compare = _COMPARE[self.bound.rule.operator]
        return Verdict(value, None if value is None else compare(value, self.threshold))


class Finding(NamedTuple):
    """What one check says of one organization, of which period; ``failure`` is why something could not be read."""

    check: Check
    organization: str
    verdict: Verdict
    window: str
    failure: str

    @property
    def key(self) -> Key:
        return Key(self.organization, self.check.bound.id, self.check.subject)


def checks(bound: Bound, offered: Mapping[str, Metric]) -> tuple[Check, ...]:
    """``offered`` are other plugins' metrics. Raises ``ValueError`` for a rule that does not fit its metric, which is
    an `UnknownMetric` where there is none of that name.
    """
    rule = bound.rule
    if rule.slo is not None:
        return tuple(_of_pair(bound, rule.slo, pair) for pair in rule.slo.windows)
    known = figure(rule.metric or "", offered)
    if known.metric is not None:
        return (_of_metric(bound, known, known.metric),)
    return (_of_figure(bound, known),)


def _of_figure(bound: Bound, known: Figure) -> Check:
    rule, window = bound.rule, bound.rule.window or DEFAULT_WINDOW
    of, threshold, compare = known.of, rule.threshold, _COMPARE[rule.operator]
    assert of is not None
    assert threshold is not None
    least = rule.min_calls if known.guarded else 0

    def judge(found: Sequence[Read]) -> Verdict:
        [(sums, places, minutes)] = found
        value = of(sums, places, minutes) if sums.calls >= least else None
        return Verdict(value, None if value is None else compare(value, threshold))

    dimensions, values = _split(bound)
    span: int | Period = known.period or _minutes(window)
    hourly = HOURLY if known.period else min(HOURLY, window)
    return Check(
        bound=bound,
        figure=known,
        pair=None,
        subject="",
        severity=rule.severity,
        threshold=threshold,
        every=rule.every or (hourly if known.seldom else MINUTELY),
        questions=(Question(span, dimensions, bound.together),),
        quantiles=known.quantiles,
        values=values,
        judge=judge,
    )


def _of_metric(bound: Bound, known: Figure, metric: Metric) -> Check:
    rule = bound.rule
    if bound.together or rule.window is not None or rule.filters.given():
        raise ValueError(f"the metric {metric.name!r} is of one organization: it has no window, filters or scope all")
    assert rule.threshold is not None
    return Check(
        bound=bound,
        figure=known,
        pair=None,
        subject="",
        severity=rule.severity,
        threshold=rule.threshold,
        every=rule.every or HOURLY,
        questions=(),
        quantiles=(),
        values=(),
        judge=lambda found: NOT_KNOWN,
        metric=metric,
    )


def _of_pair(bound: Bound, slo: Slo, pair: Pair) -> Check:
    """Of latencies it is the quantile that would be too slow if the budget burnt just so fast."""
    quantile = 1 - pair.factor * slo.budget
    threshold = pair.factor if slo.seconds is None else slo.seconds
    least = bound.rule.min_calls

    def burn(sums: Sums, places: Mapping[float, int]) -> float | None:
        if slo.seconds is not None:
            return sums.seconds[places[quantile]] if sums.seconds else None
        return sums.errors / sums.calls / slo.budget if sums.calls else None

    def judge(found: Sequence[Read]) -> Verdict:
        long, short = (burn(sums, places) for sums, places, _ in found)
        if long is None or found[0].sums.calls < least:
            return NOT_KNOWN
        # No calls in the short window: nothing burns any more.
        return Verdict(long, long > threshold and short is not None and short > threshold)

    dimensions, values = _split(bound)
    return Check(
        bound=bound,
        figure=None,
        pair=pair,
        subject=pair.name,
        severity=pair.severity,
        threshold=threshold,
        every=bound.rule.every or MINUTELY,
        questions=tuple(Question(_minutes(one), dimensions, bound.together) for one in (pair.long, pair.short)),
        quantiles=() if slo.seconds is None else (quantile,),
        values=values,
        judge=judge,
    )


def _split(bound: Bound) -> tuple[tuple[str, ...], tuple[str, ...]]:
    given = bound.rule.filters.given()
    names = tuple(name for name in _FILTERS if name in given)
    return names, tuple(given[name] for name in names)


def _minutes(window: timedelta) -> int:
    return window // MINUTELY
