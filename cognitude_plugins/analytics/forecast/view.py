"""A forecast for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ..money import rounded

_PERIODS: Final = ("day", "week", "month", "year")
_BAR: Final = 26
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"


def forecast_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Lines without their ends, in plain text."""
    yield f"Forecast of {found['as_of'][:16].replace('T', ' ')} ({found['time_zone']})"
    yield ""
    if found["forecast"] is None:
        yield from _wrapped(f"There is no forecast yet. {found['reason']}")
    else:
        yield from _totals(found["forecast"], found["level"])
        yield ""
        yield from _days(found["forecast"]["days"])
    if found["budget"] is not None:
        yield ""
        yield from _wrapped(_budget(found["budget"], found["level"]))
    yield ""
    yield from _past(found["past_coverage"], found["level"])
    yield from _history(found["history"])


def _totals(forecast: Mapping[str, Any], level: float) -> Iterator[str]:
    yield f"{'USD':<7}{'ENDS':<12}{'SPENT':>14}{'EXPECTED':>15}  {_percent(level) + ' BETWEEN':>14}{'AND':>15}"
    for name in _PERIODS:
        one = forecast[name]
        spent, expected, low, high = (rounded(one[f"{each}_usd"]) for each in ("spent", "expected", "low", "high"))
        yield f"{name:<7}{one['end_date']:<12}{spent:>14}{expected:>15}  {low:>14}{high:>15}"


def _days(days: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    most = max(Decimal(one["expected_usd"]) for one in days)
    yield f"{'DAY':<17}{'EXPECTED':>12}  {'':<{_BAR}}{'TOTAL FROM NOW':>22}"
    for number, one in enumerate(days):
        day = "rest of today" if number == 0 else _named(one["date"])
        bar = _bar(Decimal(one["expected_usd"]), most)
        total = rounded(one["total"]["expected_usd"])
        yield f"{day:<17}{rounded(one['expected_usd']):>12}  {bar:<{_BAR}}{total:>22}"


def _named(day: str) -> str:
    from datetime import date

    return f"{date.fromisoformat(day):%a} {day}"


def _bar(value: Decimal, most: Decimal) -> str:
    eighths = round(value / most * _BAR * 8) if most else 0
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_BLOCKS[rest] if rest else "")


def _budget(budget: Mapping[str, Any], level: float) -> str:
    text = (
        f"The budget of {rounded(budget['budget_usd'])} USD for the {budget['period']} to {budget['end_date']}, "
        f"of which {rounded(budget['spent_usd'])} are spent, "
    )
    if budget["state"] == "used_up":
        return f"{text}was used up on {budget['used_up']}."
    if budget["state"] == "unknown":
        return f"{text}is not used up yet."
    if budget["state"] == "lasts":
        return f"{text}lasts: also at the upper end of the {_percent(level)} interval."
    latest = f"{budget['latest']} at the latest" if budget["latest"] else "or not within the period"
    if budget["state"] == "may_run_out":
        return f"{text}lasts as expected, but may run out from {budget['earliest']} on ({_percent(level)} interval)."
    return (
        f"{text}runs out on {budget['runs_out']}: {budget['earliest']} at the earliest, {latest} ({_percent(level)})."
    )


def _past(coverage: Sequence[Mapping[str, Any]], level: float) -> Iterator[str]:
    known = [one for one in coverage if one["intervals"]]
    if not known:
        return
    yield f"How often {_percent(level)} intervals held on your own past:"
    for one in known:
        length = "1 day" if one["days"] == 1 else f"{one['days']} days"
        within = f"{one['contained']} of {one['intervals']}"
        share, low, high = (f"{one[name] * 100:.0f}" for name in ("share", "low", "high"))
        yield f"  {length:<8}{within:>10}  {share} % (likely {low} to {high} %)"


def _history(history: Mapping[str, Any]) -> Iterator[str]:
    if history["days"]:
        yield f"Made of {history['days']} days, {history['start_date']} to {history['end_date']}."
    if history["unpriced_calls"]:
        yield f"Without {history['unpriced_calls']} calls whose price is not known."


def _percent(share: float) -> str:
    return f"{round(share * 100, 1):g} %"


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, 80)
