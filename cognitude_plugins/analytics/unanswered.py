"""What the ledger cannot answer, said in the words of the endpoint that was asked."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from hooks import Unanswerable
from hooks.endpoint import Refused, refused

from .midnights import begun

_KEPT = {
    "calls": "single calls",
    "minutes": "sums of minutes",
    "quarters": "sums of quarters of an hour",
    "hours": "sums of hours",
}


def not_answered(error: Unanswerable, *, start_date: date, zone: ZoneInfo) -> Refused:
    """To be raised, with the parameter that is to be changed."""
    if error.what == "time":
        return refused(f"start_date {start_date} is {_before(error, zone)}", param="start_date")
    param = {"dimension": "group_by", "filter": error.name, "zone": "zone"}.get(error.what)
    return refused(sentence(error), param=param)


def sentence(error: ValueError) -> str:
    return f"{str(error)[:1].upper()}{str(error)[1:]}."


def _before(error: Unanswerable, zone: ZoneInfo) -> str:
    if error.since is None:
        return f"too early: {error}."
    first = error.since.astimezone(zone).date()
    if begun(first, zone) < error.since:
        first += timedelta(days=1)
    kept = _KEPT.get(error.name or "", "what this needs")
    since = error.since.isoformat()
    return f"before {first}: it takes {kept}, which are kept since {since}: ask for a later start_date."
