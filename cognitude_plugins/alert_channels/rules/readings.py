"""What is read for the rules that are due: as few questions to the ledger as answer all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hooks import EVERY_ORGANIZATION, Ledger, Sums, Unanswerable, Unavailable

from .checks import NOT_KNOWN, Check, Finding, Question, Read
from .periods import Stretch, so_far

_NONE: Final = Sums(group={})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """One answer, and what it says of what is not in it. ``failure`` says why there is none."""

    nothing: Read
    period: str
    rows: Mapping[tuple[str, ...], Read] = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The answers as of one minute."""

    zone: Callable[[str], str]
    tables: Mapping[tuple[Question, str], _Table]

    def of(self, check: Check, organizations: Iterable[str]) -> Iterator[Finding]:
        """What the check says of each. There are very many: what can be done once is done once."""
        if check.period is None:
            yield from _found(check, organizations, [self.tables[question, ""] for question in check.questions])
            return
        zones: dict[str, list[str]] = {}
        for organization in organizations:
            zones.setdefault(self.zone(organization), []).append(organization)
        for zone, some in zones.items():
            yield from _found(check, some, [self.tables[question, zone] for question in check.questions])


def _found(check: Check, organizations: Iterable[str], tables: Sequence[_Table]) -> Iterator[Finding]:
    failure, period = next((one.failure for one in tables if one.failure), ""), tables[0].period
    judge, values, together = check.judge, check.values, check.bound.together
    rows = [(one.rows, one.nothing) for one in tables]
    for organization in organizations:
        if failure:
            yield Finding(check, organization, NOT_KNOWN, period, failure)
            continue
        row = values if together else (organization, *values)
        try:
            verdict, why = judge([found.get(row, nothing) for found, nothing in rows]), ""
        except (Unanswerable, Unavailable) as error:
            verdict, why = NOT_KNOWN, str(error)
        yield Finding(check, organization, verdict, period, why)


async def read(
    ledger: Ledger,
    checks: Iterable[tuple[Check, Iterable[str]]],
    due: datetime,
    zone: Callable[[str], str],
) -> Readings:
    """Of each check with the organizations it is looked at for. ``due`` is a full minute: only sums are read then."""
    wanted: dict[tuple[Question, str], set[float]] = {}
    for check, organizations in checks:
        for question in check.questions:
            # Only of periods it matters whose days they are.
            zones = {_zone(question, one, zone) for one in organizations} if isinstance(question.span, str) else {""}
            for name in zones:
                wanted.setdefault((question, name), set()).update(check.quantiles)
    tables = {
        (question, name): await _answer(ledger, question, _stretch(question, name, due), tuple(sorted(quantiles)))
        for (question, name), quantiles in wanted.items()
    }
    return Readings(zone=zone, tables=tables)


def _zone(question: Question, organization: str, zone: Callable[[str], str]) -> str:
    return zone(organization) if isinstance(question.span, str) else ""


def _stretch(question: Question, zone: str, due: datetime) -> Stretch:
    if isinstance(question.span, str):
        return so_far(question.span, zone, due)
    return Stretch(since=due - timedelta(minutes=question.span), until=due)


async def _answer(ledger: Ledger, question: Question, stretch: Stretch, quantiles: tuple[float, ...]) -> _Table:
    dimensions = question.dimensions if question.together else ("organization", *question.dimensions)
    places = {one: place for place, one in enumerate(quantiles)}
    nothing = Read(_NONE, places, stretch.minutes)
    try:
        found = await ledger.usage(
            EVERY_ORGANIZATION,
            since=stretch.since,
            until=stretch.until,
            group_by=dimensions,
            quantiles=quantiles,
        )
    except (Unanswerable, Unavailable) as error:
        return _Table(nothing=nothing, period=stretch.name, failure=str(error) or type(error).__name__)
    rows = {tuple(one.group[name] for name in dimensions): Read(one, places, stretch.minutes) for one in found}
    return _Table(nothing=nothing, period=stretch.name, rows=rows)
