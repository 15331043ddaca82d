"""Anomalies for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..money import rounded

_NAMES: Final = {"spend": "Spend", "errors": "Errors", "latency": "Latency"}
_LONGEST: Final = 30


def anomaly_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Lines without their ends, in plain text."""
    span = f"{found['start_date']} to {found['end_date']} ({found['time_zone']})"
    if not found["hours"]:
        yield f"Too little is known yet to say what is unusual: {span}"
        return
    count = len(found["anomalies"])
    yield f"{count or 'No'} {'anomaly' if count == 1 else 'anomalies'} in {found['hours']} hours, {span}"
    for one in found["anomalies"]:
        yield ""
        yield from _one(one)


def _one(one: Mapping[str, Any]) -> Iterator[str]:
    start, end = one["start"][:16].replace("T", " "), one["end"][11:16]
    days = "" if one["start"][:10] == one["end"][:10] else f"{one['end'][:10]} "
    cause = f", by {one['cause']}" if one["metric"] == "spend" else ""
    yield f"{_NAMES[one['metric']]}{cause}: {start} to {days}{end}, score {one['score']:.1f}"
    yield f"  {_amount(one['metric'], one['value'])} in the worst hour, usually {_amount(one['metric'], one['usual'])}"
    yield f"  {one['calls']:,} calls, {rounded(one['cost_usd'])} USD in this time"
    if one["drivers"]:
        yield f"  {'':<9}{'':<{_LONGEST}}{'CALLS':>9}{'USUALLY':>9}{'USD':>12}{'EXCESS':>8}"
    for driver in one["drivers"]:
        usual = "-" if driver["usual_calls"] is None else f"{driver['usual_calls']:,.0f}"
        yield (
            f"  {driver['dimension']:<9}{_plain(driver['value']):<{_LONGEST}}{driver['calls']:>9,}{usual:>9}"
            f"{rounded(driver['cost_usd']):>12}{driver['share'] * 100:>6.0f} %"
        )


def _amount(metric: str, value: Any) -> str:
    if metric == "spend":
        return f"{rounded(value)} USD"
    return f"{value * 100:.1f} % of calls" if metric == "errors" else f"{value:.3f} s (p95)"


def _plain(text: str) -> str:
    """Without what would change the terminal, and no longer than its column."""
    shown = "".join(char if char.isprintable() else "?" for char in text) or "(none)"
    return shown if len(shown) < _LONGEST else f"{shown[: _LONGEST - 2]}…"
