"""What is said of alerts: one in a message of its own, or several in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hooks import Message, Part

from ..channels.target import RANK
from .quiet import zone_of
from .standing import Standing
from .telling import Notice

_MOST_ROWS = 50


def message(notice: Notice, now: int, zone: str) -> Message:
    """Its ``id`` is for the outbox to give."""
    alerts = notice.alerts
    one = alerts[0]
    severity = max((each.severity for each in alerts), key=lambda each: RANK[each])
    same = {each.name for each in alerts} == {one.name}
    return Message(
        id="",
        kind=notice.kind,
        at=datetime.fromtimestamp(now / 1000, UTC),
        organization=one.organization,
        severity=severity,
        title=_title(notice, same),
        about=one.id if len(alerts) == 1 else (one.rule if same else "alerts"),
        facts=_facts(one, zone) if len(alerts) == 1 else (("Organization", one.organization),),
        parts=() if len(alerts) == 1 else (_table(alerts, zone),),
        data=_data(one) if len(alerts) == 1 else {"alerts": [_data(each) for each in alerts]},
    )


def _title(notice: Notice, same: bool) -> str:
    count, one = len(notice.alerts), notice.alerts[0]
    if count == 1:
        return one.title if notice.kind == "firing" else f"Resolved: {one.title}"
    what = f"{count} alerts" + (f" of {one.name}" if same else "")
    return what if notice.kind == "firing" else f"Resolved: {what}"


def _facts(alert: Standing, zone: str) -> tuple[tuple[str, str], ...]:
    times = [("Since", shown_time(alert.pending_ms, zone))]
    if alert.resolved_ms is not None:
        times.append(("Resolved", shown_time(alert.resolved_ms, zone)))
    return (
        ("Rule", alert.name),
        ("Organization", alert.organization),
        ("Severity", alert.severity),
        *alert.facts,
        *times,
    )


def _table(alerts: Sequence[Standing], zone: str) -> Part:
    rows = [(one.severity, one.title, shown_time(one.pending_ms, zone)) for one in alerts[:_MOST_ROWS]]
    more = len(alerts) - len(rows)
    return Part(
        heading="Alerts",
        columns=("Severity", "Alert", "Since"),
        rows=tuple(rows),
        text=f"and {more} more" if more else "",
    )


def _data(alert: Standing) -> Mapping[str, Any]:
    return {
        "alert": alert.id,
        "rule": alert.rule,
        "name": alert.name,
        "state": alert.state,
        "severity": alert.severity,
        "value": alert.value,
        "threshold": alert.threshold,
        "labels": dict(alert.labels),
        "since": iso(alert.pending_ms),
        "resolved": None if alert.resolved_ms is None else iso(alert.resolved_ms),
        **alert.data,
    }


def shown_time(ms: int, zone: str) -> str:
    """By the clocks of the zone."""
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone_of(zone))
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")
