"""What rules can watch: figures of the ledger's sums, calendar costs, and what other plugins offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final, Literal

from hooks import QUANTILES, Metric, Sums

Period = Literal["day", "week", "month"]
Unit = Literal["usd", "share", "seconds", "count", "score", "per_minute"]
Of = Callable[[Sums, Mapping[float, int], float], float | None]
"""Of the sums, the places of quantiles in their ``seconds``, and the minutes that they are of."""

_NANO: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """``guarded`` is one that says little of few calls, and nothing of none. ``period`` has one of calendar costs,
    which has no window; ``metric`` is another plugin's that is read and has neither window nor filters."""

    name: str
    unit: Unit
    of: Of | None = None
    quantiles: tuple[float, ...] = ()
    guarded: bool = False
    period: Period | None = None
    metric: Metric | None = None

    @property
    def seldom(self) -> bool:
        """Whether it is looked at hourly unless a rule says otherwise."""
        return self.unit == "usd" or self.metric is not None


def _share(part: Callable[[Sums], int]) -> Of:
    return lambda sums, places, minutes: part(sums) / sums.calls if sums.calls else None


def _quantile(quantile: float) -> Of:
    return lambda sums, places, minutes: sums.seconds[places[quantile]] if sums.calls and sums.seconds else None


def _cost(sums: Sums, places: Mapping[float, int], minutes: float) -> float:
    return sums.cost_nano_usd / _NANO


BUILT_IN: Final[Mapping[str, Figure]] = {
    figure.name: figure
    for figure in (
        Figure(name="request_rate", unit="per_minute", of=lambda sums, places, minutes: sums.calls / minutes),
        Figure(name="calls", unit="count", of=lambda sums, places, minutes: float(sums.calls)),
        Figure(
            name="tokens",
            unit="count",
            of=lambda sums, places, minutes: float(sums.prompt_tokens + sums.completion_tokens),
        ),
        Figure(name="cost", unit="usd", of=_cost),
        Figure(name="daily_cost", unit="usd", of=_cost, period="day"),
        Figure(name="weekly_cost", unit="usd", of=_cost, period="week"),
        Figure(name="monthly_cost", unit="usd", of=_cost, period="month"),
        Figure(name="error_rate", unit="share", of=_share(lambda sums: sums.errors), guarded=True),
        Figure(name="rate_limited_rate", unit="share", of=_share(lambda sums: sums.limited), guarded=True),
        Figure(name="cache_hit_rate", unit="share", of=_share(lambda sums: sums.hits), guarded=True),
        Figure(
            name="latency_mean",
            unit="seconds",
            of=lambda sums, places, minutes: sums.seconds_sum / sums.calls if sums.calls else None,
            guarded=True,
        ),
        Figure(name="latency_p50", unit="seconds", of=_quantile(0.5), quantiles=(0.5,), guarded=True),
        Figure(name="latency_p95", unit="seconds", of=_quantile(0.95), quantiles=(0.95,), guarded=True),
        Figure(name="latency_p99", unit="seconds", of=_quantile(0.99), quantiles=(0.99,), guarded=True),
    )
}


class UnknownMetric(ValueError):
    """``nearest`` is the name that may have been meant."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        self.nearest: Final = near[0] if near else None
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else f": it is one of {', '.join(sorted(known))}"
        super().__init__(f"there is no metric {name[:80]!r}{hint}")


def figure(name: str, offered: Mapping[str, Metric]) -> Figure:
    """``offered`` are the metrics of other plugins; of two with one name it is ours. Raises `UnknownMetric`."""
    own = BUILT_IN.get(name)
    if own is not None:
        return own
    metric = offered.get(name)
    if metric is None:
        raise UnknownMetric(name, [*BUILT_IN, *offered])
    if metric.of is None:
        return Figure(name=name, unit=metric.unit, metric=metric)
    quantiles = QUANTILES if metric.latencies else ()
    guarded = metric.unit in ("share", "seconds", "score")
    return Figure(name=name, unit=metric.unit, of=_foreign(metric.of, quantiles), quantiles=quantiles, guarded=guarded)


def _foreign(of: Callable[[Sums], float | None], quantiles: tuple[float, ...]) -> Of:
    """It is given its own quantiles, whatever else was read with them."""

    def read(sums: Sums, places: Mapping[float, int], minutes: float) -> float | None:
        if not sums.seconds:
            return of(sums)
        return of(replace(sums, seconds=tuple(sums.seconds[places[one]] for one in quantiles)))

    return read
