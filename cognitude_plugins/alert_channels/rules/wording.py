"""What is said of a rule that is broken, or is not any more: the value with its unit, the threshold, the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .checks import Check
from .durations import shown
from .metrics import Period, Unit
from .settings import DEFAULT_WINDOW

_PERIODS: Final[Mapping[Period, str]] = {"day": "this day", "week": "this week", "month": "this month"}


def number(value: float, unit: Unit) -> str:
    """With its unit: ``$12.30``, ``7.3 %``, ``1.24 s``, ``12 per minute``."""
    if unit == "usd":
        return f"${value:,.2f}" if abs(value) >= 0.01 or value == 0 else f"${value:.6f}"
    if unit == "share":
        return f"{_figures(value * 100)} %"
    if unit == "seconds":
        return f"{_figures(value)} s"
    return f"{_figures(value)} per minute" if unit == "per_minute" else _figures(value)


def title(check: Check, value: float | None) -> str:
    """In one line: ``errors: error_rate is 7.3 % (> 5 %, 5m, model=sim)``."""
    limits = ", ".join([condition(check), *(text for text in (span(check), filters(check)) if text)])
    found = "not known" if value is None else _value(check, value)
    what = "burn rate" if check.pair is not None and _slo_seconds(check) is None else check.bound.rule.metric
    what = what or f"latency_p{_figures(100 * check.quantiles[0])}"
    return f"{check.bound.rule.name}: {what} is {found} ({limits})"


def condition(check: Check) -> str:
    """``> 5 %``."""
    operator = ">" if check.pair is not None else check.bound.rule.operator
    return f"{operator} {_value(check, check.threshold)}"


def span(check: Check) -> str:
    if check.pair is not None:
        return f"{shown(check.pair.long)} and {shown(check.pair.short)}"
    if check.period is not None:
        return _PERIODS[check.period]
    return "" if check.metric is not None else shown(check.bound.rule.window or DEFAULT_WINDOW)


def filters(check: Check) -> str:
    return ", ".join(f"{name}={value}" for name, value in check.bound.rule.filters.given().items())


def facts(check: Check, value: float | None, window: str) -> tuple[tuple[str, str], ...]:
    rule = check.bound.rule
    found = [
        ("Value", "not known" if value is None else _value(check, value)),
        ("Threshold", condition(check)),
        ("Window", " ".join(text for text in (span(check), f"({window})" if window else "") if text)),
        ("Filters", filters(check)),
        ("For", shown(rule.wait) if rule.wait else ""),
        ("Description", rule.description),
    ]
    return tuple((name, text) for name, text in found if text)


def data(check: Check) -> Mapping[str, Any]:
    """For machines, beside what every alert has."""
    rule = check.bound.rule
    unit = "seconds" if check.figure is None and _slo_seconds(check) else "factor"
    return {
        "metric": rule.metric or "slo",
        "unit": unit if check.figure is None else check.figure.unit,
        "operator": ">" if check.pair is not None else rule.operator,
        "window": span(check),
        "filters": rule.filters.given(),
    }


def _value(check: Check, value: float) -> str:
    if check.figure is not None:
        return number(value, check.figure.unit)
    return f"{_figures(value)} s" if _slo_seconds(check) else f"{_figures(value)}x"


def _slo_seconds(check: Check) -> float | None:
    slo = check.bound.rule.slo
    return None if slo is None else slo.seconds


def _figures(value: float) -> str:
    """Three that count, of large ones all before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
