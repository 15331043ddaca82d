"""What analytics offers others: figures that alert rules can watch, and what it says in summaries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal

from hooks import Metric, Part, Section, Sums

from .anomalies.hourly import hourly
from .anomalies.score import anomaly_score
from .desk import Desk
from .forecast.calibration import shipped
from .forecast.forecast import Asked, Forecast, forecast
from .forecast.periods import PeriodName
from .forecast.spending import spending
from .metrics import QUANTILES, compiled, metric_value
from .screen.figures import about_usd

_PERIODS: Final[tuple[PeriodName, ...]] = ("day", "week", "month")
_NANO: Final = 1e9
_LEVEL: Final = 0.8
_MOST_RECOMMENDATIONS: Final = 5

_Scored = Literal["spend", "errors", "latency"]
_SCORED: Final[tuple[_Scored, ...]] = ("spend", "errors", "latency")


def metrics(desk: Desk) -> Iterator[Metric]:
    for period in _PERIODS:
        yield Metric(
            name=f"forecast_cost_{period}",
            description=f"What the current {period} is expected to cost, in US dollars.",
            unit="usd",
            read=partial(_forecast_cost, desk, period),
        )
    yield Metric(
        name="anomaly_score",
        description="How unusual spend, errors or latency of the last two whole hours were, whichever is most; above 4 "
        "is an anomaly.",
        unit="score",
        read=partial(_anomaly_score, desk, _SCORED),
    )
    for one in _SCORED:
        yield Metric(
            name=f"anomaly_score_{one}",
            description=f"The same of {one} alone.",
            unit="score",
            read=partial(_anomaly_score, desk, (one,)),
        )
    for own in desk.config.metrics:
        yield Metric(
            name=own.name,
            description=own.description or own.expression,
            unit="count",
            of=_of(own.expression),
            latencies=bool(set(QUANTILES) & set(compiled(own.expression).names)),
        )


def sections(desk: Desk) -> Iterator[Section]:
    yield Section(name="forecast", read=partial(_forecast_part, desk))
    yield Section(name="recommendations", read=partial(_recommendations_part, desk))


def _of(expression: str) -> Callable[[Sums], float | None]:
    return lambda sums: metric_value(expression, sums)


async def _forecast_cost(desk: Desk, period: PeriodName, organization: str, at: datetime) -> float | None:
    found = await _forecast(desk, organization, at)
    return found.totals[period].whole.expected / _NANO if found.totals else None


async def _anomaly_score(desk: Desk, which: Sequence[_Scored], organization: str, at: datetime) -> float | None:
    read = await hourly(desk.gateway, organization, at - timedelta(hours=2), at)
    found = [score.score for one in which if (score := anomaly_score(read.hours, one)) is not None]
    return max(found, default=None)


async def _forecast(desk: Desk, organization: str, at: datetime) -> Forecast:
    spent = await spending(desk.gateway, organization, at)
    return await asyncio.to_thread(forecast, spent, shipped(), Asked(level=_LEVEL, days=1))


async def _forecast_part(desk: Desk, organization: str, since: datetime, until: datetime) -> Sequence[Part]:
    """Of the periods in which the day after the summary's is."""
    found = await _forecast(desk, organization, until)
    rows = tuple(
        (
            f"This {name}",
            about_usd(total.spent),
            about_usd(round(total.whole.expected)),
            _span(total.whole.low, total.whole.high),
        )
        for name, total in found.totals.items()
        if name != "day"
    )
    if not rows:
        return ()
    columns = ("", "Spent so far", "Expected in all", f"{_LEVEL:.0%} of the time")
    return (Part(heading="Forecast", columns=columns, rows=rows),)


async def _recommendations_part(desk: Desk, organization: str, since: datetime, until: datetime) -> Sequence[Part]:
    from .recommendations.advisor import advise
    from .recommendations.finding import TITLES

    settings = desk.config.recommendations
    advice = await advise(desk.gateway, organization, settings, days=settings.days, until=until)
    rows = tuple((TITLES[one.kind], one.summary, about_usd(one.saving.month)) for one in advice.findings)
    if not rows:
        return ()
    columns = ("", "What was found", "A month")
    return (Part(heading="Recommendations", columns=columns, rows=rows[:_MOST_RECOMMENDATIONS]),)


def _span(low: float, high: float) -> str:
    return f"{about_usd(round(low))} to {about_usd(round(high))}"
