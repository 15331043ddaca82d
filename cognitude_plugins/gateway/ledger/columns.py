"""What the ledger's tables are asked for in SQL: groups, sums, latencies, tags; each as `rollups` has it in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, case, func, literal_column, select

from .records import clip_tag
from .rollups import NO_PLUGIN
from .sketch import ENDS
from .tables import CALLS, FACET_MINUTES, FACET_QUARTERS
from .zone import WIDTHS, Offset

TAG: Final = "tag:"
BY_FACET: Final = (FACET_MINUTES, FACET_QUARTERS)
_TEXTS: Final = ("user", "complexity")
_IDENTITY: Final = ("key", "user")


def time_of(table: Table) -> ColumnElement[Any]:
    return table.c.time_ms if table is CALLS else table.c.start_ms


def group_columns(
    table: Table, name: str, time: ColumnElement[Any], offsets: Sequence[Offset], dialect: str
) -> tuple[ColumnElement[Any], ...]:
    """One, but for hours: the time on the zone's clock at which they begin, and its offset."""
    if name in WIDTHS:
        offset = _offset(time, offsets)
        local = time + offset
        begun = local - local % _number(WIDTHS["day" if name == "day" else "hour"])
        return (begun,) if name == "day" else (begun, offset)
    if name == "tag" or name.startswith(TAG):
        return (_tag(table, name, dialect),)
    if name in _IDENTITY and table in BY_FACET:
        return (table.c.value,)
    if name in _TEXTS and table is CALLS:
        return (func.coalesce(CALLS.c[name], literal_column("''")),)
    return (table.c[name],)


def _tag(table: Table, name: str, dialect: str) -> Any:
    """In sums of all calls it is not told: to those by tag they are the rest."""
    if table in BY_FACET:
        return table.c.value if name == "tag" else func.substr(table.c.value, _number(len(_begun(name)) + 1))
    if table is not CALLS:
        return literal_column("''")
    if name == "tag":
        each = tags_of(dialect)
        return each.c.key + "=" + each.c.value
    return func.coalesce(tag_of(_begun(name)[:-1], dialect), literal_column("''"))


def _begun(dimension: str) -> str:
    """``team=`` of ``tag:team``."""
    return f"{clip_tag(dimension.removeprefix(TAG), '')[0]}="


def of_facet(table: Table, name: str, tag: str | None) -> list[ColumnElement[bool]]:
    """Which rows of sums by facet are of this one; of tags, those of this name."""
    found = [table.c.facet == literal_column(f"'{name}'")]
    if tag is not None:
        begun = _begun(TAG + tag)
        found.append(func.substr(table.c.value, _number(1), _number(len(begun))) == begun)
    return found


@lru_cache(maxsize=2)
def tags_of(dialect: str) -> Any:
    """A line for each tag of a call, to be joined to it: ``key`` and ``value``. The same one each time."""
    return _each_tag(dialect, "each_tag")


def tag_of(name: str, dialect: str) -> ColumnElement[Any]:
    """NULL where a call does not have it."""
    if dialect == "postgresql":
        return func.json_extract_path_text(_json(dialect), name)
    each = _each_tag(dialect, "one_tag")
    return select(each.c.value).select_from(each).where(each.c.key == name).scalar_subquery()


def amounts() -> Mapping[str, ColumnElement[Any]]:
    """What `rollups.amounts_of` is in Python."""
    good = CALLS.c.status < 400
    one, nothing = _number(1), _number(0)
    return {
        "calls": one,
        "errors": case((good, nothing), else_=one),
        "limited": case((CALLS.c.status == 429, one), else_=nothing),
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


def latency_bucket(dialect: str) -> ColumnElement[int]:
    """`sketch.bucket` of a call."""
    if dialect == "postgresql":
        ends = ", ".join(str(end + 1) for end in ENDS)
        return func.width_bucket(CALLS.c.latency_us, literal_column(f"ARRAY[{ends}]::bigint[]"))
    return literal_column(_bisected(0, len(ENDS)))


def joined_sketches(table: Table, dialect: str) -> ColumnElement[Any]:
    """All of a group, with `merged.BETWEEN` between them; on SQLite as hexadecimal digits."""
    if dialect == "postgresql":
        return func.string_agg(table.c.sketch, literal_column("'\\x8000'::bytea"))
    return func.group_concat(func.hex(table.c.sketch), literal_column("'8000'"))


def _offset(time: ColumnElement[Any], offsets: Sequence[Offset]) -> ColumnElement[Any]:
    """By the one that was in force."""
    found = [_number(offset) for _, offset in offsets]
    if len(found) == 1:
        return found[0]
    until = [_number(start) for start, _ in offsets[1:]]
    return case(*((time < end, offset) for end, offset in zip(until, found[:-1], strict=True)), else_=found[-1])


def _each_tag(dialect: str, name: str) -> Any:
    each = func.json_each_text if dialect == "postgresql" else func.json_each
    return each(_json(dialect)).table_valued("key", "value", name=name)


def _json(dialect: str) -> ColumnElement[Any]:
    return CALLS.c.tags.op("::")(literal_column("json")) if dialect == "postgresql" else CALLS.c.tags


def _number(value: int) -> ColumnElement[int]:
    """Written out: all of them are ours."""
    return literal_column(str(value))


def _bisected(low: int, high: int) -> str:
    """SQLite has no ``width_bucket``."""
    if low == high:
        return str(low)
    half = (low + high) // 2
    return f"CASE WHEN latency_us <= {ENDS[half]} THEN {_bisected(low, half)} ELSE {_bisected(half + 1, high)} END"
