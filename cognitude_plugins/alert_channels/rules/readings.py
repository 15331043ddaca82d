"""What is read for the rules that are due: as few questions to the ledger as answer all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hooks import EVERY_ORGANIZATION, Ledger, Sums, Unanswerable, Unavailable

from .checks import NOT_KNOWN, Check, Finding, Question, Read, Verdict
from .periods import Stretch, so_far

_NONE: Final = Sums(group={})
_AT_ONCE: Final = 2
"""Questions."""


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
    if failure:
        yield from (Finding(check, organization, NOT_KNOWN, period, failure) for organization in organizations)
        return
    judge, values, together = check.judge, check.values, check.bound.together
    without = _judged(judge, [one.nothing for one in tables])
    first, rest = tables[0].rows, tables[1:]
    for organization in organizations:
        row = values if together else (organization, *values)
        verdict, why = without
        if row in first if not rest else any(row in one.rows for one in tables):
            verdict, why = _judged(judge, [one.rows.get(row, one.nothing) for one in tables] if rest else (first[row],))
        yield Finding(check, organization, verdict, period, why)


def _judged(judge: Callable[[Sequence[Read]], Verdict], found: Sequence[Read]) -> tuple[Verdict, str]:
    """With why it is not known, where a metric of another plugin failed."""
    try:
        return judge(found), ""
    except (Unanswerable, Unavailable) as error:
        return NOT_KNOWN, str(error)


@dataclass(slots=True)
class _Wanted:
    """Of whom, and with which quantiles, by all checks that ask the same."""

    organizations: set[str] = field(default_factory=set)
    quantiles: set[float] = field(default_factory=set)


async def read(
    ledger: Ledger,
    checks: Iterable[tuple[Check, Iterable[str]]],
    due: datetime,
    zone: Callable[[str], str],
    everybody: Collection[str],
) -> Readings:
    """Of each check with the organizations it is looked at for, of ``everybody`` that there is.

    ``due`` is a full minute: only sums are read then.
    """
    tables: dict[tuple[Question, str], _Table] = {}
    waiting = iter(_wanted(checks, zone).items())

    async def ask() -> None:
        for (question, name), wanted in waiting:
            all_of_them = question.together or len(wanted.organizations) >= len(everybody)
            among = None if all_of_them else wanted.organizations
            stretch = _stretch(question, name, due)
            tables[question, name] = await _answer(ledger, question, stretch, tuple(sorted(wanted.quantiles)), among)

    # While the database looks for one answer, another is put together here.
    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(ask())
    return Readings(zone=zone, tables=tables)


def _wanted(
    checks: Iterable[tuple[Check, Iterable[str]]], zone: Callable[[str], str]
) -> dict[tuple[Question, str], _Wanted]:
    """Each question once; in each zone where it is of a period, as only of those it matters whose days they are."""
    found: dict[tuple[Question, str], _Wanted] = {}
    zones: dict[str, list[str]] = {}
    for check, organizations in checks:
        if any(isinstance(question.span, str) for question in check.questions):
            zones = {}
            for one in organizations:
                zones.setdefault(zone(one), []).append(one)
        for question in check.questions:
            for name, some in zones.items() if isinstance(question.span, str) else [("", organizations)]:
                wanted = found.setdefault((question, name), _Wanted())
                wanted.organizations.update(some)
                wanted.quantiles.update(check.quantiles)
    return found


def _stretch(question: Question, zone: str, due: datetime) -> Stretch:
    if isinstance(question.span, str):
        return so_far(question.span, zone, due)
    return Stretch(since=due - timedelta(minutes=question.span), until=due)


async def _answer(
    ledger: Ledger, question: Question, stretch: Stretch, quantiles: tuple[float, ...], among: Collection[str] | None
) -> _Table:
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
            among=among,
        )
    except (Unanswerable, Unavailable) as error:
        return _Table(nothing=nothing, period=stretch.name, failure=str(error) or type(error).__name__)
    minutes = stretch.minutes
    rows = {tuple(map(one.group.__getitem__, dimensions)): Read(one, places, minutes) for one in found}
    return _Table(nothing=nothing, period=stretch.name, rows=rows)
