"""What was asked again, in SQL: repeats with the reason why no cache answered them, near-repeats, and cut answers.

A **repeat** is a paid call of which the same was answered before, at least a millisecond earlier, by a provider or a
cache. It is **near** if it is none, its prompt has a hundred tokens and more, and one of the same shape, model and
limit was answered before.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import FromClause, Select, and_, case, func, literal, null, or_, select, union_all

from .paid_calls import (
    AMOUNTS,
    CACHEABLE,
    GROUP,
    KEYS,
    NO_PLUGIN,
    amounts,
    columns,
    is_answer,
    is_cut,
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
_ENOUGH: Final = 16
"""Characters of a cache key: 64 bits tell apart the keys of one request, and what is sorted is smaller."""
COLUMNS: Final = ("kind", "reason", *KEYS, *AMOUNTS)


def asked_again(calls: FromClause, middle_ms: int) -> Any:
    """Rows of three kinds in one: ``kind`` is ``cell``, ``repeat`` or ``cut``, the columns are `COLUMNS`."""
    rows = _rows(calls, middle_ms).cte("answer")
    firsts, shapes = _firsts(rows).cte("first_answer"), _shapes(rows).cte("first_of_shape")
    flagged = _flagged(rows, firsts, shapes).cte("flagged")
    return union_all(_cells(flagged), _repeats(flagged), _cuts(flagged))


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
    counts = or_(is_paid(calls), c.source.not_in(NO_PLUGIN))
    return (
        select(
            *(column.label(name) for name, column in columns(calls, middle_ms).items()),
            c.time_ms,
            (c.time_ms * 1000 + c.latency_us).label("end_us"),
            case((c.source == "provider", 1), else_=0).label("paid"),
            case((c.api.in_(CACHEABLE), 1), else_=0).label("cacheable"),
            func.substr(c.cache_key, 1, _ENOUGH).label("cache_key"),
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
    r, repeat = rows.c, rows.c.time_ms > firsts.c.first_ms
    near = and_(r.cacheable == 1, r.prompt >= LEAST_NEAR, r.time_ms > shapes.c.first_ms)
    same = and_(r.request_digest == firsts.c.request_digest, r.cacheable == firsts.c.cacheable)
    alike = and_(
        r.shape_digest == shapes.c.shape_digest,
        r.requested_model == shapes.c.requested_model,
        r.most == shapes.c.most,
    )
    return select(
        *r,
        firsts.c.first_ms,
        firsts.c.answered_us,
        case((repeat, 1), else_=0).label("repeat"),
        case((repeat, 0), (near, 1), else_=0).label("near"),
        is_short(r).label("short"),
    ).select_from(rows.outerjoin(firsts, same).outerjoin(shapes, alike))


def _cells(flagged: FromClause) -> Select[Any]:
    by = [*keys(flagged.c), flagged.c.repeat, flagged.c.near]
    found = select(literal("cell").label("kind"), null().label("reason"), *by, *amounts(flagged.c))
    return found.where(flagged.c.paid == 1, flagged.c.repeat + flagged.c.near > 0).group_by(*by)


def _repeats(flagged: FromClause) -> Select[Any]:
    """The repeats by reason.

    Both at once: ``concurrent``. The cache was not asked: ``off``; asked under another key: ``apart``. Its answer had
    been kept longer than any that was given again: ``expired``, else ``lost``. Calls, cost, cost of what came within a
    day of the first answer and not at once, and two examples stand where cells have their first amounts.
    """
    f = flagged.c
    order: Any = {"order_by": (f.time_ms, f.end_us)}
    kept = func.max(case((f.paid == 1, f.time_ms)))
    again = (
        select(
            *(f[name] for name in ("half", "paid", "repeat", "time_ms", "cost", "cache_key", "request_digest")),
            (f.time_ms * 1000 < f.answered_us).label("at_once"),
            (f.time_ms - f.first_ms <= DAY_MS).label("soon"),
            kept.over(partition_by=(f.request_digest, f.cache_key), rows=(None, -1), **order).label("kept_ms"),
        )
        .where(f.answered_us.is_not(None))
        .cte("asked_again")
    )
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
    return found.where(a.paid == 1, a.repeat == 1).group_by(reason, a.half)


def _cuts(flagged: FromClause) -> Select[Any]:
    """Answers that reached their limit and were asked for again: calls, cost, highest limit and an example stand where
    cells have their first amounts."""
    f = flagged.c
    order: Any = {"partition_by": f.shape_digest, "order_by": (f.time_ms, f.end_us)}
    needed = ("half", *GROUP, "repeat", "cost", "completion", "max_tokens", "end_us", "request_digest")
    found = (
        select(
            *(f[name] for name in needed),
            func.lead(f.time_ms).over(**order).label("next_ms"),
            func.coalesce(func.lead(f.max_tokens).over(**order), literal(2**53)).label("next_most"),
        )
        .where(f.paid == 1, f.has_cut == 1)
        .subquery("of_cut_shape")
    )
    c = found.c
    again = and_(c.next_ms * 1000 <= c.end_us + SOON_MS * 1000, c.next_most > c.max_tokens)
    by = [c.half, *(c[name] for name in GROUP), c.repeat]
    numbers = (func.count(), total(c.cost), func.max(c.max_tokens), func.min(c.request_digest))
    rest = [null()] * (len(AMOUNTS) - len(numbers))
    counted = select(literal("cut"), null(), *by[:-1], *[null()] * 2, c.repeat, literal(0), *numbers, *rest)
    return counted.where(is_cut(c), again).group_by(*by)
