"""From one state to the next: what becomes of an alert by what an evaluation found. No clock, no database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..channels.target import RANK
from .observation import Observation
from .standing import Heard, Standing, milliseconds

NewId = Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """``before`` is None for one that is new, ``after`` for one that is forgotten: it never fired.

    ``event`` goes into its history, unless it is empty.
    """

    before: Standing | None
    after: Standing | None
    event: str
    note: str | None = None
    by: str | None = None


def changes(alert: Standing | None, seen: Observation, now: int, series: str, new_id: NewId) -> tuple[Change, ...]:
    """What follows of the observation as of ``now``; nothing where it is as before, or not known."""
    if seen.broken is None:
        return ()
    if alert is None:
        return _opened(seen, now, series, new_id) if seen.broken else ()
    if seen.window != alert.window and (alert.state == "resolved" or seen.broken):
        again = _opened(seen, now, series, new_id) if seen.broken else ()
        return (_over(alert, now), *again)
    if alert.state == "resolved":
        rearmed = not seen.broken and not seen.window
        return (Change(before=alert, after=replace(alert, open=False), event=""),) if rearmed else ()
    return _still_broken(alert, seen, now) if seen.broken else _held_again(alert, seen, now)


def acknowledged(alert: Standing, now: int, by: str, note: str | None) -> Change:
    """Of one that is firing."""
    after = replace(alert, state="acknowledged", acknowledged_ms=now, acknowledged_by=by)
    return Change(before=alert, after=after, event="acknowledged", note=note, by=by)


def resolved_by_hand(alert: Standing, now: int, by: str, note: str | None) -> Change:
    """It stays in the way of another one for now. Who hears of it, an operator too, hears whose word it is."""
    facts = (*alert.facts, ("Resolved by hand", by))
    after = replace(alert, state="resolved", resolved_ms=now, facts=facts)
    return Change(before=alert, after=after, event="resolved", note=note, by=by)


def _opened(seen: Observation, now: int, series: str, new_id: NewId) -> tuple[Change, ...]:
    fires = not seen.wait
    alert = Standing(
        id=new_id(),
        organization=seen.organization,
        rule=seen.rule,
        subject=seen.subject,
        name=seen.name,
        series=series,
        state="firing" if fires else "pending",
        severity=seen.severity,
        title=seen.title,
        pending_ms=now,
        fired_ms=now if fires else None,
        threshold=seen.threshold,
        repeat_ms=milliseconds(seen),
        window=seen.window,
        channels=tuple(seen.channels),
        labels=dict(seen.labels),
    ).as_seen(seen)
    return (Change(before=None, after=alert, event=alert.state),)


def _still_broken(alert: Standing, seen: Observation, now: int) -> tuple[Change, ...]:
    defined = alert.as_defined(seen)
    if alert.state == "pending" and now - alert.pending_ms >= seen.wait.total_seconds() * 1000:
        return (
            Change(before=alert, after=replace(defined.as_seen(seen), state="firing", fired_ms=now), event="firing"),
        )
    if defined == alert:
        return ()
    if RANK[defined.severity] <= RANK[alert.severity]:
        return (Change(before=alert, after=defined, event=""),)
    anew = {channel: Heard(one.times, 0) for channel, one in alert.heard.items()}
    after = replace(defined.as_seen(seen), heard=anew)
    return (Change(before=alert, after=after, event="raised", note=f"{alert.severity} to {defined.severity}"),)


def _held_again(alert: Standing, seen: Observation, now: int) -> tuple[Change, ...]:
    if alert.state == "pending":
        return (Change(before=alert, after=None, event=""),)
    if not seen.resolve:
        return ()
    after = replace(alert.as_seen(seen), state="resolved", open=False, resolved_ms=now)
    return (Change(before=alert, after=after, event="resolved"),)


def _over(alert: Standing, now: int) -> Change:
    """Another period has begun: what comes is of that one."""
    if alert.state == "resolved":
        return Change(before=alert, after=replace(alert, open=False), event="")
    if alert.state == "pending":
        return Change(before=alert, after=None, event="")
    after = replace(alert, state="resolved", open=False, resolved_ms=now)
    return Change(before=alert, after=after, event="resolved", note="its period is over")
