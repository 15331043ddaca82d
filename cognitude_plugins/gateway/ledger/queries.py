"""The questions to the ledger in SQL: bound parameters only, and an organization in every one of them.

``organization`` is None for all of them together: that is for gateway admins, and said by whoever asks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
    true,
)

from .columns import (
    BY_FACET,
    amounts,
    group_columns,
    joined_sketches,
    latency_bucket,
    of_facet,
    tag_of,
    tags_of,
    time_of,
)
from .facets import Facet, facet_of
from .records import clip, clip_tag
from .rollups import OF_DAY, SUMS
from .tables import CALLS, DAYS, FACET_MINUTES, FACET_QUARTERS, HORIZONS, HOURS, IDENTITY_DAYS, MINUTES, TOTALS
from .tiles import LENGTHS, Horizons, Kind, noon_of
from .zone import Offset

_TABLES: Final[Mapping[Kind, Table]] = {
    "day": DAYS,
    "hour": HOURS,
    "minute": MINUTES,
    "call": CALLS,
    "identity": IDENTITY_DAYS,
    "facet_minute": FACET_MINUTES,
    "facet_quarter": FACET_QUARTERS,
    "facet_day": FACET_QUARTERS,
}

_TOLD: Final = "told"
_ORGANIZATIONS: Final = text(
    "WITH RECURSIVE one(name) AS (SELECT min(organization) FROM ledger_day UNION ALL "
    "SELECT (SELECT min(organization) FROM ledger_day WHERE organization > one.name) FROM one "
    "WHERE one.name IS NOT NULL) SELECT name FROM one WHERE name IS NOT NULL"
)
"""From one to the next in the primary key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Of which organization (None: all, or those ``among``), split by which dimensions, of rows with which values, at
    which quantiles.

    ``total``: also of all groups together.
    """

    organization: str | None
    dimensions: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    quantiles: tuple[float, ...] = ()
    total: bool = False
    among: frozenset[str] | None = None


def snapshot(connection: Connection) -> None:
    """First in a transaction: all its questions are answered as of one moment, also while rows move or are deleted."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def horizons(connection: Connection) -> Horizons:
    """From when on each kind is complete; a coarser one never later than a finer."""
    found = {row.table_name: row.since_ms for row in connection.execute(select(HORIZONS))}
    hours = found.get(HOURS.name, 0)
    minutes = max(hours, found.get(MINUTES.name, 0))
    quarters = max(hours, found.get(FACET_QUARTERS.name, 0))
    return Horizons(
        calls=max(minutes, found.get(CALLS.name, 0)),
        minutes=minutes,
        hours=hours,
        facet_minutes=max(quarters, found.get(FACET_MINUTES.name, 0)),
        quarters=quarters,
        totals=found.get(TOTALS.name, 0),
    )


def organizations(connection: Connection, among: frozenset[str] | None) -> tuple[str, ...]:
    """Those that have calls: with their names and the starts of pieces a primary key is searched, which needs no other
    index. Of those ``among``, where they are said."""
    found = connection.execute(_ORGANIZATIONS).scalars()
    return tuple(found) if among is None else tuple(one for one in found if one in among)


def days_there_are(organization: str | None) -> Select[Any]:
    """The starts of the first and the last day with calls."""
    found = select(func.min(DAYS.c.start_ms), func.max(DAYS.c.start_ms))
    return found if organization is None else found.where(DAYS.c.organization == organization)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one statement reads of the ledger: sums of one kind, or the calls.

    Of ``[start, end)``, or where ``starts`` are given, the sums that begin at these. ``moved``, ``rest`` and
    ``total`` as in a `Tile`.
    """

    kind: Kind
    start: int = 0
    end: int = 0
    starts: tuple[int, ...] = ()
    moved: bool = False
    rest: bool = False
    total: bool = False


def totals(
    question: Question, piece: Piece, offsets: Sequence[Offset], dialect: str, everybody: Sequence[str] = ()
) -> tuple[Select[Any], Mapping[str, Any]]:
    """One line per group, and its parameters: the dimensions' columns, then `SUMS`, then what tells quantiles if they
    are asked for.

    That is the sketches joined, or of single calls the bucket, by which they are grouped, too. Of what was moved the
    groups of the day's noon come after the dimensions' columns. ``everybody`` are the `organizations`.
    """
    tag, value = clip_tag(*question.filters.get("tag", "").partition("=")[::2])
    names = frozenset(question.filters)
    by_name = question.organization is None and (question.among is not None or _by_organization(piece))
    if question.organization is not None:
        names |= {"organization"}
    elif by_name:
        names |= {"organizations"}
    statement = _totals(
        piece.kind,
        question.dimensions,
        names,
        # The first offset is in force from whenever on: that makes no other statement.
        ((0, offsets[0][1]), *offsets[1:]),
        dialect,
        bool(piece.starts),
        piece.moved,
        piece.total,
        bool(question.quantiles),
        facet_of(question.dimensions, question.filters),
        tag,
    )
    given: dict[str, Any] = {name: clip(one) for name, one in question.filters.items()}
    if "tag" in given:
        given["tag"] = value if piece.kind == "call" else f"{tag}={value}"
    if question.organization is not None:
        given["organization"] = question.organization
    elif by_name:
        given["organizations"] = _array(everybody, dialect)
    if piece.starts:
        return statement, {**given, "starts": _array(piece.starts, dialect)}
    return statement, {**given, "low": piece.start, "high": piece.end}


@lru_cache(maxsize=512)
def _totals(
    kind: Kind,
    dimensions: tuple[str, ...],
    given: frozenset[str],
    offsets: tuple[Offset, ...],
    dialect: str,
    starts: bool,
    moved: bool,
    total: bool,
    told: bool,
    facet: Facet | None,
    tag: str,
) -> Select[Any]:
    """Kept: to put one together takes SQLAlchemy longer than to run it takes the database."""
    table = TOTALS if total else _TABLES[kind]
    time = time_of(table)
    begun = noon_of(time) if kind == "day" else time
    times = (begun, noon_of(time)) if moved else (begun,)
    groups = [
        one for when in times for name in dimensions for one in group_columns(table, name, when, offsets, dialect)
    ]
    each = amounts() if table is CALLS else {name: table.c[name] for name in SUMS}
    sums = [cast(func.sum(each[name]), BigInteger) for name in SUMS]
    labels = [f"group_{place}" for place in range(len(groups))]
    chosen = select(*(one.label(label) for one, label in zip(groups, labels, strict=True)), *sums)
    if told:
        latencies = latency_bucket(dialect) if table is CALLS else joined_sketches(table, dialect)
        chosen = chosen.add_columns(latencies.label(_TOLD))
        labels += [_TOLD] if table is CALLS else []
    # A call with two tags is two lines where all tags are a dimension.
    several = "tag" in dimensions and table is CALLS
    chosen = chosen.select_from(table.join(tags_of(dialect), true()) if several else table)
    conditions = [_is(table, name, offsets, dialect, tag) for name in sorted(given)]
    if table in BY_FACET and facet is not None:
        name = OF_DAY[facet.name] if kind == "facet_day" else facet.name
        conditions += of_facet(table, name, None if "tag" in given else facet.tag)
    if total:
        conditions.append(table.c.width_ms == literal_column(str(LENGTHS[kind])))
    chosen = chosen.where(*conditions, _among(time, "starts", dialect) if starts else _between(time))
    return chosen.group_by(*map(literal_column, labels)) if labels else chosen


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


def _by_organization(piece: Piece) -> bool:
    """Whether the table's primary key begins with it."""
    return piece.kind != "call" and not piece.total


def _between(time: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(time >= bindparam("low", type_=BigInteger), time < bindparam("high", type_=BigInteger))


def _among(column: ColumnElement[Any], name: str, dialect: str) -> ColumnElement[bool]:
    """One of what `_array` made."""
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(column.type)))
    each = func.json_each(bindparam(name, type_=Text)).table_valued("value", name=f"each_{name}")
    return column.in_(select(each.c.value))


def _array(values: Sequence[Any], dialect: str) -> Any:
    return list(values) if dialect == "postgresql" else json.dumps(values)


def _is(table: Table, name: str, offsets: Sequence[Offset], dialect: str, tag: str) -> ColumnElement[bool]:
    if name == "organizations":
        return _among(table.c.organization, name, dialect)
    value = bindparam(name, type_=Text)
    if name == "tag" and table is CALLS:
        return tag_of(tag, dialect) == value
    [mine] = group_columns(table, name, time_of(table), offsets, dialect)
    return mine == value
