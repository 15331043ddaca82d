"""Reading what recommendations are computed from: two statements at the same time, each in a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, FromClause, func, select

from hooks import Gateway

from .again_query import COLUMNS, asked_again
from .beginnings_query import beginnings
from .cells import Beginnings, Cell, Cuts, Group, Repeats, Traffic
from .cells_query import cells
from .paid_calls import AMOUNTS, GROUP, KEYS

T = TypeVar("T", Cell, Repeats, Cuts)

_DAY: Final = timedelta(days=1)
_PLACE: Final = KEYS.index("repeat")
_SUMS: Final = tuple(name for name in AMOUNTS if name not in ("longest", "example"))
_FOR_POSTGRESQL: Final = (
    "SET LOCAL work_mem = '128MB'",
    "SET LOCAL enable_sort = off",
    "SET LOCAL enable_nestloop = off",
    "SET LOCAL jit = off",
)
"""Its default of 4 MB puts a hash of a million digests onto the disk. Of what is grouped by here it has no statistics:
it would sort a million rows where it can count them in one pass, and go through thousands for each of a hundred
thousand."""


MOST_CALLS: Final = 250_000
"""Of more than these one prompt in two, three, … is looked at, with all that was asked like it: a prompt is in or out
as a whole, so that repeats stay repeats."""


async def look_back(
    gateway: Gateway, organization: str, *, days: int, until: datetime, part: int | None = None
) -> Traffic:
    """The ``days`` before ``until``, or what there is of them. Raises `hooks.Unavailable`.

    One prompt in ``part`` is looked at, and what was found multiplied by it; without, as many as `MOST_CALLS` allows.
    """
    since = until - days * _DAY
    calls = gateway.ledger.calls(organization, since=since, until=until)
    if part is None:
        [all_of_them] = await gateway.ledger.usage(organization, since=since, until=until)
        part = max(1, -(-all_of_them.calls // MOST_CALLS))
    first = await gateway.database.read(organization, partial(_first, calls=calls))
    if first is None:
        return Traffic(days=float(days), part=part, cells=(), repeats=(), cuts=(), beginnings=())
    end_ms = int(until.timestamp() * 1000)
    # Of a gateway that began yesterday a month is not thirty times an hour.
    start_ms = min(first, end_ms - 86_400_000)
    middle_ms = (start_ms + end_ms) // 2
    some = _one_in(part, calls)
    # Whether a provider still had a beginning depends on every call before: of these none is left out.
    statements = (cells(some, middle_ms), asked_again(some, middle_ms), beginnings(calls, middle_ms))
    every, again, begun = await asyncio.gather(
        *(gateway.database.read(organization, partial(_rows, statement=one), patient=True) for one in statements)
    )
    span = (end_ms - start_ms) / 86_400_000
    return await asyncio.to_thread(_traffic, every, again, begun, span, part)


def _first(connection: Connection, *, calls: Any) -> int | None:
    """When the first call was. The index knows."""
    found = connection.execute(select(calls.c.time_ms).order_by(calls.c.time_ms).limit(1)).scalar()
    return None if found is None else int(found)


def _one_in(part: int, calls: FromClause) -> FromClause:
    """Of what has no digest, one time in ``part``."""
    if part == 1:
        return calls
    told = func.coalesce(calls.c.shape_digest, calls.c.time_ms)
    return select(calls).where(told % part == 0).subquery("one_in_some")


def _rows(connection: Connection, *, statement: Any) -> list[Any]:
    if connection.dialect.name == "postgresql":
        for setting in _FOR_POSTGRESQL:
            connection.exec_driver_sql(setting)
    return [tuple(row) for row in connection.execute(statement)]


def _traffic(every: list[Any], again: list[Any], begun: list[Any], days: float, part: int) -> Traffic:
    found: dict[str, list[dict[str, Any]]] = {"cell": [], "repeat": [], "cut": []}
    for row in again:
        named = dict(zip(COLUMNS, row, strict=True))
        found[named["kind"]].append(named)
    flagged = [Cell(**{name: one[name] for name in (*KEYS, *AMOUNTS)}) for one in found["cell"]]
    others = without([Cell._make((*row[:_PLACE], 0, 0, *row[_PLACE:])) for row in every], flagged)
    return Traffic(
        part=part,
        cells=tuple(_times(part, one, _SUMS) for one in (*others, *flagged)),
        repeats=tuple(_times(part, _repeats(one), ("calls", "cost", "soon")) for one in found["repeat"]),
        cuts=tuple(_times(part, _cuts(one), ("calls", "cost")) for one in found["cut"]),
        beginnings=tuple(Beginnings(row[0], Group(*row[1:5]), *row[5:]) for row in begun),
        days=days,
    )


def _times(part: int, sums: T, names: Iterable[str]) -> T:
    return sums if part == 1 else sums._replace(**{name: part * getattr(sums, name) for name in names})


def without(every: Iterable[Cell], flagged: Iterable[Cell]) -> Iterator[Cell]:
    """What is left of the cells of all calls when those that are repeats, or near, are taken out: sums are."""
    taken: dict[tuple[Any, ...], list[int]] = {}
    for cell in flagged:
        sums = taken.setdefault(cell[:_PLACE], [0] * len(_SUMS))
        taken[cell[:_PLACE]] = [one + getattr(cell, name) for one, name in zip(sums, _SUMS, strict=True)]
    for cell in every:
        left = taken.get(cell[:_PLACE])
        if left is not None:
            cell = cell._replace(**{name: getattr(cell, name) - one for name, one in zip(_SUMS, left, strict=True)})
        if cell.calls:
            yield cell


def _repeats(named: dict[str, Any]) -> Repeats:
    names = ("reason", "half", *AMOUNTS[: len(Repeats._fields) - 2])
    return Repeats(*(named[name] for name in names))


def _cuts(named: dict[str, Any]) -> Cuts:
    group = Group(*(named[name] for name in GROUP))
    return Cuts(named["half"], group, named["repeat"], *(named[name] for name in AMOUNTS[: len(Cuts._fields) - 3]))
