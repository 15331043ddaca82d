"""What is read for the rules that are due: as few questions to the ledger as answer all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hooks import EVERY_ORGANIZATION, Ledger, Sums, Unanswerable, Unavailable

from .checks import Check, Question, Read
from .periods import Stretch, so_far

_NONE: Final = Sums(group={})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """One answer. ``failure`` says why there is none."""

    stretch: Stretch
    places: Mapping[float, int]
    rows: Mapping[tuple[str, ...], Sums] = field(default_factory=dict)
    failure: str = ""


class NotKnown(Exception):
    """A reading failed; the text says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The answers as of ``due``."""

    due: datetime
    zone: Callable[[str], str]
    tables: Mapping[tuple[Question, str], _Table]

    def of(self, check: Check, organization: str) -> list[Read]:
        """Raises `NotKnown`."""
        found = []
        for question in check.questions:
            table = self.tables[question, _zone(question, organization, self.zone)]
            if table.failure:
                raise NotKnown(table.failure)
            row = check.values if question.together else (organization, *check.values)
            found.append(Read(table.rows.get(row, _NONE), table.places, table.stretch.minutes))
        return found

    def window(self, check: Check, organization: str) -> str:
        """The name of its period; empty for what has none."""
        if check.period is None:
            return ""
        return so_far(check.period, self.zone(organization), self.due).name


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
    return Readings(due=due, zone=zone, tables=tables)


def _zone(question: Question, organization: str, zone: Callable[[str], str]) -> str:
    return zone(organization) if isinstance(question.span, str) else ""


def _stretch(question: Question, zone: str, due: datetime) -> Stretch:
    if isinstance(question.span, str):
        return so_far(question.span, zone, due)
    return Stretch(since=due - timedelta(minutes=question.span), until=due)


async def _answer(ledger: Ledger, question: Question, stretch: Stretch, quantiles: tuple[float, ...]) -> _Table:
    dimensions = question.dimensions if question.together else ("organization", *question.dimensions)
    places = {one: place for place, one in enumerate(quantiles)}
    try:
        found = await ledger.usage(
            EVERY_ORGANIZATION,
            since=stretch.since,
            until=stretch.until,
            group_by=dimensions,
            quantiles=quantiles,
        )
    except (Unanswerable, Unavailable) as error:
        return _Table(stretch=stretch, places=places, failure=str(error) or type(error).__name__)
    rows = {tuple(one.group[name] for name in dimensions): one for one in found}
    return _Table(stretch=stretch, places=places, rows=rows)
