"""The statements that recommendations are computed from: one over single calls, one over their beginnings.

All of them count good answers of a provider: status 200, complete, with a known cost. The gateway's own calls (a
router's comparisons, a balancer's mirrors) are left out. A **repeat** is one of which the same was answered before, at
least a millisecond earlier; **near** is one of whose shape another was answered before.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from .sizes import long_prompt, sized

CACHEABLE: Final = ("chat", "completions", "embeddings")
"""The APIs that the gateway's caches keep answers of."""
SHORT: Final = 256
"""Tokens of a short prompt, and of a short answer."""
LEAST_NEAR: Final = 100
"""Tokens of a prompt from which on digits and case in it seldom are what is asked."""
DAY_MS: Final = 86_400_000
SOON_MS: Final = 600_000
"""Within ten minutes of a cut answer the same is asked again because it was cut."""
SLOT_MS: Final = 300_000
"""Five minutes: for so long providers keep a beginning that is not used again (Anthropic; OpenAI: five to ten)."""
_OWN: Final = ('"router":"shadow"', '"router":"judge"', '"mirror":')
_NO_PLUGIN: Final = ("provider", "error", "hedge", "dry_run")
GROUP: Final = ("deployment", "requested_model", "complexity", "short")
KEYS: Final = ("half", *GROUP, "tier", "size", "repeat", "near")
AMOUNTS: Final = (
    *("calls", "cost", "prompt", "completion", "cached", "written", "reasoning", "longest", "limited", "limits", "cut"),
    "example",
)


def single_calls(calls: FromClause, middle_ms: int) -> Select[Any] | Any:
    """Rows of three kinds in one: ``kind`` is ``cell``, ``repeat`` or ``cut``, the columns are `COLUMNS`."""
    rows = _rows(calls, middle_ms).cte("answer")
    firsts = _firsts(rows).cte("first_answer")
    shapes = _shapes(rows).cte("first_of_shape")
    flagged = _flagged(rows, firsts, shapes).cte("flagged")
    return union_all(_cells(flagged), _repeats(flagged), _cuts(flagged))


COLUMNS: Final = ("kind", "reason", *KEYS, *AMOUNTS)


def _rows(calls: FromClause, middle_ms: int) -> Select[Any]:
    """Every complete answer, those of caches too, with what is needed of it."""
    c = calls.c
    own = or_(*(c.tags.like(f"%{text}%") for text in _OWN))
    paid = and_(c.source == "provider", c.deployment.is_not(None), c.cost_nano_usd > 0)
    kept = and_(c.source.not_in(_NO_PLUGIN), c.request_digest.is_not(None))
    return select(
        case((c.time_ms < middle_ms, 0), else_=1).label("half"),
        c.time_ms,
        (c.time_ms * 1000 + c.latency_us).label("end_us"),
        case((c.source == "provider", 1), else_=0).label("paid"),
        case((c.api.in_(CACHEABLE), 1), else_=0).label("cacheable"),
        c.deployment,
        c.requested_model,
        c.complexity,
        c.cache_key,
        func.coalesce(c.prompt_tokens, 0).label("prompt"),
        func.coalesce(c.completion_tokens, 0).label("completion"),
        func.coalesce(c.cached_tokens, 0).label("cached"),
        func.coalesce(c.cache_write_tokens, 0).label("written"),
        func.coalesce(c.reasoning_tokens, 0).label("reasoning"),
        func.coalesce(c.cost_nano_usd, 0).label("cost"),
        c.max_tokens,
        func.coalesce(c.max_tokens, 0).label("most"),
        c.request_digest,
        c.shape_digest,
    ).where(c.status == 200, c.complete, or_(paid, kept), or_(c.tags == "{}", ~own))


def _firsts(rows: FromClause) -> Select[Any]:
    """Of what was answered more than once, when first, and when that answer was there."""
    r = rows.c
    return (
        select(r.request_digest, func.min(r.time_ms).label("first_ms"), func.min(r.end_us).label("answered_us"))
        .where(r.request_digest.is_not(None), r.cacheable == 1)
        .group_by(r.request_digest)
        .having(func.count() > 1)
    )


def _shapes(rows: FromClause) -> Select[Any]:
    """Of what was asked in several ways, when first. With another limit it is asked again, not otherwise."""
    r = rows.c
    return (
        select(r.shape_digest, r.requested_model, r.most, func.min(r.time_ms).label("first_ms"))
        .where(r.shape_digest.is_not(None), r.cacheable == 1, r.prompt >= LEAST_NEAR)
        .group_by(r.shape_digest, r.requested_model, r.most)
        .having(func.min(r.request_digest) < func.max(r.request_digest))
    )


def _flagged(rows: FromClause, firsts: FromClause, shapes: FromClause) -> Select[Any]:
    r, repeat = rows.c, rows.c.time_ms > firsts.c.first_ms
    near = and_(rows.c.time_ms > shapes.c.first_ms, rows.c.prompt >= LEAST_NEAR)
    joined = rows.outerjoin(firsts, and_(r.request_digest == firsts.c.request_digest, r.cacheable == 1)).outerjoin(
        shapes,
        and_(
            r.shape_digest == shapes.c.shape_digest,
            r.requested_model == shapes.c.requested_model,
            r.most == shapes.c.most,
            r.cacheable == 1,
        ),
    )
    return select(
        *r,
        firsts.c.answered_us,
        case((repeat, 1), else_=0).label("repeat"),
        case((repeat, 0), (near, 1), else_=0).label("near"),
        case((and_(r.prompt <= SHORT, r.completion < SHORT), 1), else_=0).label("short"),
    ).select_from(joined)


def _cells(flagged: FromClause) -> Select[Any]:
    f = flagged.c
    tier, size = long_prompt(f.prompt).label("tier"), sized(f.completion).label("size")
    keys = (f.half, f.deployment, f.requested_model, f.complexity, f.short, tier, size, f.repeat, f.near)
    return (
        select(
            literal("cell").label("kind"),
            null().label("reason"),
            *keys,
            func.count().label("calls"),
            *(_sum(f[name]).label(name) for name in ("cost", "prompt", "completion", "cached", "written", "reasoning")),
            func.max(f.prompt + f.completion).label("longest"),
            func.count(f.max_tokens).label("limited"),
            _sum(f.max_tokens).label("limits"),
            _sum(case((_is_cut(f), 1), else_=0)).label("cut"),
            func.min(f.request_digest).label("example"),
        )
        .where(f.paid == 1)
        .group_by(*keys)
    )


def _repeats(flagged: FromClause) -> Select[Any]:
    """The repeats with the reason why no cache answered them.

    Both at once: ``concurrent``. The cache was not asked: ``off``; asked under another key: ``apart``. Its answer had
    been kept longer than any that was given again: ``expired``, else ``lost``.
    """
    f = flagged.c
    asked = select(
        f.half,
        f.paid,
        f.repeat,
        f.time_ms,
        f.cost,
        f.cache_key,
        f.request_digest,
        (f.time_ms * 1000 < f.answered_us).label("at_once"),
        func.lag(f.time_ms).over(partition_by=f.request_digest, order_by=(f.time_ms, f.end_us)).label("before_ms"),
        func.max(case((f.paid == 1, f.time_ms)))
        .over(partition_by=(f.request_digest, f.cache_key), order_by=(f.time_ms, f.end_us), rows=(None, -1))
        .label("kept_ms"),
    ).where(f.answered_us.is_not(None))
    again = asked.cte("asked_again")
    a = again.c
    oldest = select(func.coalesce(func.max(a.time_ms - a.kept_ms), DAY_MS)).where(a.paid == 0).scalar_subquery()
    reason = case(
        (a.at_once, "concurrent"),
        (a.cache_key.is_(None), "off"),
        (a.kept_ms.is_(None), "apart"),
        (a.time_ms - a.kept_ms > oldest, "expired"),
        else_="lost",
    ).label("reason")
    soon = and_(~a.at_once, a.time_ms - a.before_ms <= DAY_MS)
    return (
        select(
            literal("repeat"),
            reason,
            a.half,
            *_nothing(len(KEYS) - 1),
            func.count(),
            _sum(a.cost),
            _sum(case((soon, a.cost), else_=0)),
            func.min(a.request_digest),
            func.max(a.request_digest),
            *_nothing(len(AMOUNTS) - 5),
        )
        .where(a.paid == 1, a.repeat == 1)
        .group_by(reason, a.half)
    )


def _cuts(flagged: FromClause) -> Select[Any]:
    f = flagged.c
    shapes = select(f.shape_digest).where(f.paid == 1, _is_cut(f), f.shape_digest.is_not(None))
    order: Any = {"partition_by": f.shape_digest, "order_by": (f.time_ms, f.end_us)}
    found = (
        select(
            *(f[name] for name in ("half", *GROUP, "repeat", "cost", "completion", "max_tokens", "end_us")),
            f.request_digest,
            func.lead(f.time_ms).over(**order).label("next_ms"),
            func.coalesce(func.lead(f.max_tokens).over(**order), literal(2**53)).label("next_most"),
        )
        .where(f.paid == 1, f.shape_digest.in_(shapes))
        .subquery("of_cut_shape")
    )
    c = found.c
    again = and_(c.next_ms * 1000 <= c.end_us + SOON_MS * 1000, c.next_most > c.max_tokens)
    return (
        select(
            literal("cut"),
            null(),
            c.half,
            *(c[name] for name in GROUP),
            *_nothing(2),
            c.repeat,
            literal(0),
            func.count(),
            _sum(c.cost),
            func.max(c.max_tokens),
            func.min(c.request_digest),
            *_nothing(len(AMOUNTS) - 4),
        )
        .where(_is_cut(c), again)
        .group_by(c.half, *(c[name] for name in GROUP), c.repeat)
    )


def beginnings(calls: FromClause, middle_ms: int) -> Select[Any]:
    """Calls by deployment and beginning: half, `GROUP`, prefix, tokens, calls, warm, discounted, prompt, completion.

    A slot of five minutes with calls of a beginning keeps it for the next one: the first call after an empty slot is
    cold, all others are warm.
    """
    c = calls.c
    short = case((and_(c.prompt_tokens <= SHORT, c.completion_tokens < SHORT), 1), else_=0).label("short")
    slot = (c.time_ms // SLOT_MS).label("slot")
    half = case((c.time_ms < middle_ms, 0), else_=1).label("half")
    keys = (c.deployment, c.prefix_digest, slot, c.requested_model, c.complexity, short, half)
    own = or_(*(c.tags.like(f"%{text}%") for text in _OWN))
    slots = (
        select(
            *keys,
            func.count().label("calls"),
            func.max(c.prefix_tokens).label("tokens"),
            _sum(case((c.cached_tokens < c.prefix_tokens, c.cached_tokens), else_=c.prefix_tokens)).label("discounted"),
            _sum(c.prompt_tokens).label("prompt"),
            _sum(c.completion_tokens).label("completion"),
        )
        .where(
            c.status == 200,
            c.complete,
            c.source == "provider",
            c.deployment.is_not(None),
            c.cost_nano_usd > 0,
            c.prefix_digest.is_not(None),
            or_(c.tags == "{}", ~own),
        )
        .group_by(*keys)
        .subquery("slot")
    )
    s = slots.c
    order: Any = {"partition_by": (s.deployment, s.prefix_digest), "order_by": (s.slot, s.requested_model, s.half)}
    before = func.lag(s.slot).over(**order)
    numbered = select(*s, case((before >= s.slot - 1, 0), else_=1).label("cold")).subquery("numbered")
    n = numbered.c
    return select(
        n.half,
        *(n[name] for name in GROUP),
        n.prefix_digest,
        func.max(n.tokens),
        _sum(n.calls),
        _sum(n.calls - n.cold),
        _sum(n.discounted),
        _sum(n.prompt),
        _sum(n.completion),
    ).group_by(n.half, *(n[name] for name in GROUP), n.prefix_digest)


def _is_cut(columns: Any) -> ColumnElement[bool]:
    return and_(columns.max_tokens > 0, columns.completion >= columns.max_tokens)


def _sum(column: Any) -> ColumnElement[Any]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _nothing(count: int) -> list[Any]:
    return [null()] * count
