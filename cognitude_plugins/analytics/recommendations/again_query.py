"""What was asked again, in SQL: repeats with the reason why no cache answered them, near-repeats, and cut answers.

A **repeat** is a paid call of which the same was answered before, at least a millisecond earlier, by a provider or a
cache. It is **near** if it is none, its prompt has a hundred tokens and more, and one of the same shape, model and
limit was answered before.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, literal, null, or_, select, union_all

from .paid_calls import (
    AMOUNTS,
    CACHEABLE,
    GROUP,
    KEYS,
    amounts,
    columns,
    is_answer,
    is_cut,
    is_hit,
    is_paid,
    is_short,
    keys,
    total,
)

LEAST_NEAR: Final = 100
"""Tokens of a prompt from which on digits and case in it seldom are what is asked."""
DAY_MS: Final = 86_400_000
SOON_MS: Final = 600_000
"""Within ten minutes of a cut answer the same is asked again because it was cut."""
COLUMNS: Final = ("kind", "reason", *KEYS, *AMOUNTS)


def asked_again(calls: FromClause, middle_ms: int) -> Any:
    """Rows of three kinds in one: ``kind`` is ``cell``, ``repeat`` or ``cut``, the columns are `COLUMNS`."""
    rows = _rows(calls, middle_ms).cte("answer")
    firsts, shapes = _firsts(rows).cte("first_answer"), _shapes(rows).cte("first_of_shape")
    flagged = _flagged(rows, firsts, shapes).subquery("flagged")
    return union_all(_cells(flagged), _repeats(_repeated(rows, firsts)), _cuts(_cut(rows, firsts)))


def _several(calls: FromClause) -> Select[Any]:
    """Shapes that there are more than once (equal requests are of one), and whether an answer to one may have been cut.

    Of everything that was answered: what is counted is said below, and each condition here is asked a million times.
    """
    c = calls.c
    cut = func.max(case((c.completion_tokens >= c.max_tokens, 1), else_=0)).label("has_cut")
    answered = and_(c.shape_digest.is_not(None), c.status == 200)
    return select(c.shape_digest, cut).where(answered).group_by(c.shape_digest).having(func.count() > 1)


def _rows(calls: FromClause, middle_ms: int) -> Select[Any]:
    """Answers of these shapes, those of caches too."""
    c, several = calls.c, _several(calls).subquery("several")
    counts = or_(is_paid(calls), is_hit(calls))
    return (
        select(
            *(column.label(name) for name, column in columns(calls, middle_ms).items()),
            c.time_ms,
            (c.time_ms * 1000 + c.latency_us).label("end_us"),
            case((c.source == "provider", 1), else_=0).label("paid"),
            case((c.api.in_(CACHEABLE), 1), else_=0).label("cacheable"),
            c.shape_digest,
            func.coalesce(c.max_tokens, 0).label("most"),
            several.c.has_cut,
        )
        .select_from(calls.join(several, c.shape_digest == several.c.shape_digest))
        .where(is_answer(calls), counts)
    )


def _firsts(rows: FromClause) -> Select[Any]:
    """Of what was answered more than once, when first, and when that answer was there."""
    r = rows.c
    return (
        select(
            r.request_digest,
            r.cacheable,
            func.min(r.time_ms).label("first_ms"),
            func.min(r.end_us).label("answered_us"),
        )
        .where(r.cacheable == 1)
        .group_by(r.request_digest, r.cacheable)
        .having(func.count() > 1)
    )


def _shapes(rows: FromClause) -> Select[Any]:
    """Of what was asked in several ways, when first. With another limit it is asked again, not otherwise."""
    r = rows.c
    return (
        select(r.shape_digest, r.requested_model, r.most, func.min(r.time_ms).label("first_ms"))
        .where(r.cacheable == 1, r.prompt >= LEAST_NEAR)
        .group_by(r.shape_digest, r.requested_model, r.most)
        .having(func.min(r.request_digest) < func.max(r.request_digest))
    )


def _flagged(rows: FromClause, firsts: FromClause, shapes: FromClause) -> Select[Any]:
    """All of them, with ``repeat`` and ``near``."""
    r, repeat = rows.c, _is_repeat(rows, firsts)
    near = and_(r.cacheable == 1, r.prompt >= LEAST_NEAR, r.time_ms > shapes.c.first_ms)
    alike = and_(
        r.shape_digest == shapes.c.shape_digest,
        r.requested_model == shapes.c.requested_model,
        r.most == shapes.c.most,
    )
    flags = case((repeat, 1), else_=0).label("repeat"), case((repeat, 0), (near, 1), else_=0).label("near")
    return select(*r, *flags).select_from(rows.outerjoin(firsts, _same(rows, firsts)).outerjoin(shapes, alike))


def _repeated(rows: FromClause, firsts: FromClause) -> FromClause:
    """What was answered more than once: all of it, the first ones and those of caches too."""
    r = rows.c
    names = ("half", "paid", "time_ms", "end_us", "cost", "cache_key", "request_digest")
    found = select(
        *(r[name] for name in names),
        _is_repeat(rows, firsts).label("repeat"),
        (r.time_ms * 1000 < firsts.c.answered_us).label("at_once"),
        (r.time_ms - firsts.c.first_ms <= DAY_MS).label("soon"),
    )
    return found.select_from(rows.join(firsts, _same(rows, firsts))).subquery("repeated")


def _cut(rows: FromClause, firsts: FromClause) -> FromClause:
    """Paid answers of a shape of which one may have been cut."""
    r, repeat = rows.c, case((_is_repeat(rows, firsts), 1), else_=0).label("repeat")
    found = select(*r, repeat, is_short(r).label("short"))
    joined = found.select_from(rows.outerjoin(firsts, _same(rows, firsts)))
    return joined.where(r.paid == 1, r.has_cut == 1).subquery("of_cut_shape")


def _same(rows: FromClause, firsts: FromClause) -> ColumnElement[bool]:
    return and_(rows.c.request_digest == firsts.c.request_digest, rows.c.cacheable == firsts.c.cacheable)


def _is_repeat(rows: FromClause, firsts: FromClause) -> ColumnElement[bool]:
    repeat: ColumnElement[bool] = rows.c.time_ms > firsts.c.first_ms
    return repeat


def _cells(flagged: FromClause) -> Select[Any]:
    by = [*keys(flagged.c), flagged.c.repeat, flagged.c.near]
    found = select(literal("cell").label("kind"), null().label("reason"), *by, *amounts(flagged.c))
    return found.where(flagged.c.paid == 1, flagged.c.repeat + flagged.c.near > 0).group_by(*by)


def _repeats(repeated: FromClause) -> Select[Any]:
    """The repeats by reason.

    Both at once: ``concurrent``. The cache was not asked: ``off``; asked under another key: ``apart``. Its answer had
    been kept longer than any that was given again: ``expired``, else ``lost``. Calls, cost, cost of what came within a
    day of the first answer and not at once, and two examples stand where cells have their first amounts.
    """
    r = repeated.c
    before: Any = {
        "partition_by": (r.request_digest, r.cache_key),
        "order_by": (r.time_ms, r.end_us),
        "rows": (None, -1),
    }
    kept = func.max(case((r.paid == 1, r.time_ms))).over(**before).label("kept_ms")
    again = select(*r, kept).cte("asked_again")
    a = again.c
    oldest = select(func.coalesce(func.max(a.time_ms - a.kept_ms), DAY_MS)).where(a.paid == 0).scalar_subquery()
    reason = case(
        (a.at_once, "concurrent"),
        (a.cache_key.is_(None), "off"),
        (a.kept_ms.is_(None), "apart"),
        (a.time_ms - a.kept_ms > oldest, "expired"),
        else_="lost",
    ).label("reason")
    soon = case((and_(~a.at_once, a.soon), a.cost), else_=0)
    numbers = (func.count(), total(a.cost), total(soon), func.min(a.request_digest), func.max(a.request_digest))
    rest = [null()] * (len(AMOUNTS) - len(numbers))
    found = select(literal("repeat"), reason, a.half, *[null()] * (len(KEYS) - 1), *numbers, *rest)
    return found.where(a.paid == 1, a.repeat).group_by(reason, a.half)


def _cuts(of_cut_shape: FromClause) -> Select[Any]:
    """Answers that reached their limit and were asked for again: calls, cost, highest limit and an example stand where
    cells have their first amounts."""
    o = of_cut_shape.c
    order: Any = {"partition_by": o.shape_digest, "order_by": (o.time_ms, o.end_us)}
    needed = ("half", *GROUP, "repeat", "cost", "completion", "max_tokens", "end_us", "request_digest")
    found = select(
        *(o[name] for name in needed),
        func.lead(o.time_ms).over(**order).label("next_ms"),
        func.coalesce(func.lead(o.max_tokens).over(**order), literal(2**53)).label("next_most"),
    ).subquery("followed")
    c = found.c
    again = and_(c.next_ms * 1000 <= c.end_us + SOON_MS * 1000, c.next_most > c.max_tokens)
    by = [c.half, *(c[name] for name in GROUP), c.repeat]
    numbers = (func.count(), total(c.cost), func.max(c.max_tokens), func.min(c.request_digest))
    rest = [null()] * (len(AMOUNTS) - len(numbers))
    counted = select(literal("cut"), null(), *by[:-1], *[null()] * 2, c.repeat, literal(0), *numbers, *rest)
    return counted.where(is_cut(c), again).group_by(*by)
