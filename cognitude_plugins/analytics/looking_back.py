"""Reading what recommendations are computed from: two statements at the same time, each in a connection of its own."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, func, select

from hooks import Gateway

from .cells import Beginnings, Cell, Cuts, Group, Repeats, Traffic
from .lookback import AMOUNTS, COLUMNS, KEYS, beginnings, single_calls

_DAY: Final = timedelta(days=1)
_WORK_MEM: Final = "SET LOCAL work_mem = '96MB'"
"""PostgreSQL's default of 4 MB puts a hash of a million digests onto the disk."""


async def look_back(gateway: Gateway, organization: str, *, days: int, until: datetime) -> Traffic:
    """The ``days`` before ``until``, or what there is of them. Raises `hooks.Unavailable`."""
    since = until - days * _DAY
    calls = gateway.ledger.calls(organization, since=since, until=until)
    first, count, known = await gateway.database.read(organization, partial(_extent, calls=calls))
    if not count:
        return Traffic(days=float(days), calls=0, fingerprinted=0, cells=(), repeats=(), cuts=(), beginnings=())
    end_ms = int(until.timestamp() * 1000)
    # Of a gateway that began yesterday a month is not thirty times an hour.
    start_ms = min(first, end_ms - 86_400_000)
    middle_ms = (start_ms + end_ms) // 2
    single, begun = await asyncio.gather(
        gateway.database.read(organization, partial(_rows, statement=single_calls(calls, middle_ms)), patient=True),
        gateway.database.read(organization, partial(_rows, statement=beginnings(calls, middle_ms)), patient=True),
    )
    return _sorted(single, begun, days=(end_ms - start_ms) / 86_400_000, calls=count, fingerprinted=known)


def _extent(connection: Connection, *, calls: Any) -> tuple[int, int, int]:
    """When the first call was, how many there are, and of how many the prompt is known."""
    found = connection.execute(
        select(func.min(calls.c.time_ms), func.count(), func.count(calls.c.request_digest))
    ).one()
    return int(found[0] or 0), int(found[1]), int(found[2])


def _rows(connection: Connection, *, statement: Any) -> list[Any]:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_WORK_MEM)
    return [tuple(row) for row in connection.execute(statement)]


def _sorted(single: list[Any], begun: list[Any], **others: Any) -> Traffic:
    found: dict[str, list[dict[str, Any]]] = {"cell": [], "repeat": [], "cut": []}
    for row in single:
        named = dict(zip(COLUMNS, row, strict=True))
        found[named["kind"]].append(named)
    return Traffic(
        cells=tuple(Cell(**{name: one[name] for name in (*KEYS, *AMOUNTS)}) for one in found["cell"]),
        repeats=tuple(
            Repeats(
                reason=one["reason"],
                half=one["half"],
                calls=one["calls"],
                cost=one["cost"],
                soon=one["prompt"],
                example=one["completion"],
                other_example=one["cached"],
            )
            for one in found["repeat"]
        ),
        cuts=tuple(
            Cuts(
                half=one["half"],
                group=_group(one),
                repeat=one["repeat"],
                calls=one["calls"],
                cost=one["cost"],
                most_tokens=one["prompt"],
                example=one["completion"],
            )
            for one in found["cut"]
        ),
        beginnings=tuple(Beginnings(row[0], Group(*row[1:5]), *row[5:]) for row in begun),
        **others,
    )


def _group(named: dict[str, Any]) -> Group:
    return Group(named["deployment"], named["requested_model"], named["complexity"], named["short"])
