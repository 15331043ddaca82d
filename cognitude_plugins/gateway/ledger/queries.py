"""The questions to the ledger in SQL: bound parameters only, and an organization in every one of them.

``organization`` is None for all of them together: that is for gateway admins, and said by whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, case, func, literal, literal_column, select, text

from .records import clip
from .rollups import DAY_MS, NO_PLUGIN, SUMS
from .tables import CALLS, DAYS, HORIZONS, HOURS, IDENTITY_DAYS, MINUTES
from .tiles import Horizons, Kind, Tile

_TABLES: Final[Mapping[Kind, Table]] = {
    "day": DAYS,
    "hour": HOURS,
    "minute": MINUTES,
    "call": CALLS,
    "identity": IDENTITY_DAYS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Of which organization (None: all), split by which columns, of rows with which values. ``day`` is one of them."""

    organization: str | None
    dimensions: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)


def snapshot(connection: Connection) -> None:
    """First in a transaction: all its questions are answered as of one moment, also while rows move or are deleted."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def horizons(connection: Connection) -> Horizons:
    """From when on calls, minutes and hours are complete; a coarser one never later than a finer."""
    found = {row.table_name: row.since_ms for row in connection.execute(select(HORIZONS))}
    hours = found.get(HOURS.name, 0)
    minutes = max(hours, found.get(MINUTES.name, 0))
    return Horizons(calls=max(minutes, found.get(CALLS.name, 0)), minutes=minutes, hours=hours)


def totals(question: Question, tile: Tile, dialect: str) -> Select[Any]:
    """One line per group: the dimensions' values, then `SUMS`."""
    table = _TABLES[tile.kind]
    dimensions = [_dimension(table, name).label(f"by_{name}") for name in question.dimensions]
    amounts = _amounts() if table is CALLS else {name: table.c[name] for name in SUMS}
    sums = [func.sum(amounts[name]).label(name) for name in SUMS]
    chosen = select(*dimensions, *sums).where(_scope(question, tile, dialect))
    return chosen.group_by(*(literal_column(f"by_{name}") for name in question.dimensions)) if dimensions else chosen


def sketches(question: Question, tile: Tile, dialect: str) -> Select[Any]:
    """The sketches of whole minutes, hours or days."""
    return select(_TABLES[tile.kind].c.sketch).where(_scope(question, tile, dialect))


def latencies(question: Question, tile: Tile, dialect: str) -> Select[Any]:
    """Each latency of single calls, and how often it was."""
    return select(CALLS.c.latency_us, func.count()).where(_scope(question, tile, dialect)).group_by(CALLS.c.latency_us)


def calls(organization: str | None, since: int, until: int, after: tuple[int, str] | None, most: int) -> Select[Any]:
    """Rows in the order of their arrival, ``most`` of them after the one of this time and id."""
    found = within(organization, since, until)
    if after is not None:
        later = and_(CALLS.c.time_ms == after[0], CALLS.c.id > after[1])
        found = found.where(CALLS.c.time_ms >= after[0], later | (CALLS.c.time_ms > after[0]))
    return found.order_by(CALLS.c.time_ms, CALLS.c.id).limit(most)


def within(organization: str | None, since: int, until: int) -> Select[Any]:
    """Single calls as they are."""
    found = select(CALLS).where(CALLS.c.time_ms >= since, CALLS.c.time_ms < until)
    return found if organization is None else found.where(CALLS.c.organization == organization)


def _scope(question: Question, tile: Tile, dialect: str) -> ColumnElement[bool]:
    table = _TABLES[tile.kind]
    time = table.c.time_ms if table is CALLS else table.c.start_ms
    conditions: list[ColumnElement[bool]] = [time >= tile.start, time < tile.end]
    if question.organization is not None:
        conditions.insert(0, table.c.organization == question.organization)
    for name, value in question.filters.items():
        conditions.append(_tagged(value, dialect) if name == "tag" else _dimension(table, name) == clip(value))
    return and_(*conditions)


def _dimension(table: Table, name: str) -> ColumnElement[Any]:
    if name == "day":
        time = table.c.time_ms if table is CALLS else table.c.start_ms
        return time - time % literal_column(str(DAY_MS))
    if name == "user" and table is CALLS:
        return func.coalesce(CALLS.c.user, literal_column("''"))
    return table.c[name]


def _amounts() -> Mapping[str, ColumnElement[Any]]:
    """What `rollups.amounts_of` is in Python."""
    good = CALLS.c.status < 400
    one: ColumnElement[int] = literal_column("1")
    nothing: ColumnElement[int] = literal_column("0")
    return {
        "calls": one,
        "errors": case((good, nothing), else_=one),
        "hits": case((and_(good, CALLS.c.source.not_in(NO_PLUGIN)), one), else_=nothing),
        "incomplete": case((CALLS.c.complete, nothing), else_=one),
        **{
            name: func.coalesce(CALLS.c[name], nothing)
            for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "cost_nano_usd")
        },
        "saved_nano_usd": CALLS.c.saved_nano_usd,
        "unpriced": case((CALLS.c.cost_nano_usd.is_(None), one), else_=nothing),
        "latency_us_sum": CALLS.c.latency_us,
    }


def _tagged(tag: str, dialect: str) -> ColumnElement[bool]:
    name, _, value = tag.partition("=")
    if dialect == "postgresql":
        return func.json_extract_path_text(CALLS.c.tags.op("::")(literal_column("json")), name) == value
    each = func.json_each(CALLS.c.tags).table_valued("key", "value")
    return select(literal(1)).select_from(each).where(each.c.key == name, each.c.value == value).exists()
