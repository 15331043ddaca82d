"""Good answers of a provider in SQL: status 200, complete, with a cost above 0; and how they are put into cells.

The gateway's own calls are left out: those with the tag ``router`` (a router's comparisons) or ``mirror``.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, FromClause, and_, case, cast, func, or_

from .sizes import long_prompt, sized

CACHEABLE: Final = ("chat", "completions", "embeddings")
"""The APIs that the gateway's caches keep answers of."""
SHORT: Final = 256
"""Tokens of a short prompt, and of a short answer."""
NO_PLUGIN: Final = ("provider", "error", "hedge", "dry_run")
GROUP: Final = ("deployment", "requested_model", "complexity", "short")
KEYS: Final = ("half", *GROUP, "tier", "size", "repeat", "near")
AMOUNTS: Final = (
    *("calls", "cost", "prompt", "completion", "cached", "written", "reasoning", "longest", "limited", "limits", "cut"),
    *("known", "asked", "example"),
)


def is_paid(calls: FromClause) -> ColumnElement[bool]:
    c = calls.c
    return and_(c.source == "provider", c.cost_nano_usd > 0, c.deployment.is_not(None))


def is_hit(calls: FromClause) -> ColumnElement[bool]:
    """An answer that a plugin gave, not its refusal (such as a limit's 429)."""
    return and_(calls.c.source.not_in(NO_PLUGIN), calls.c.status < 400)


def is_answer(calls: FromClause) -> ColumnElement[bool]:
    """A client's, whoever gave it."""
    c = calls.c
    ours = or_(c.tags.like('%"router":%'), c.tags.like('%"mirror":%'))
    return and_(c.status == 200, c.complete, or_(c.tags == "{}", ~ours))


def columns(calls: FromClause, middle_ms: int) -> dict[str, ColumnElement[Any]]:
    """What cells are made of, by name."""
    c = calls.c
    prompt, completion = func.coalesce(c.prompt_tokens, 0), func.coalesce(c.completion_tokens, 0)
    return {
        "half": case((c.time_ms < middle_ms, 0), else_=1),
        "deployment": c.deployment,
        "requested_model": c.requested_model,
        "complexity": c.complexity,
        "prompt": prompt,
        "completion": completion,
        "cached": func.coalesce(c.cached_tokens, 0),
        "written": func.coalesce(c.cache_write_tokens, 0),
        "reasoning": func.coalesce(c.reasoning_tokens, 0),
        "cost": c.cost_nano_usd,
        "max_tokens": c.max_tokens,
        "request_digest": c.request_digest,
        # 64 bits tell apart the keys of one request, and what is sorted is smaller.
        "cache_key": func.substr(c.cache_key, 1, 16),
    }


def keys(rows: Any) -> list[ColumnElement[Any]]:
    """What cells are told apart by, but for ``repeat`` and ``near``; ``rows`` has `columns`."""
    return [
        rows.half.label("half"),
        rows.deployment,
        rows.requested_model,
        rows.complexity,
        is_short(rows).label("short"),
        long_prompt(rows.prompt).label("tier"),
        sized(rows.completion).label("size"),
    ]


def amounts(rows: Any) -> list[ColumnElement[Any]]:
    """`AMOUNTS` of a group."""
    return [
        func.count().label("calls"),
        *(total(getattr(rows, name)).label(name) for name in ("cost", "prompt", "completion")),
        *(total(getattr(rows, name)).label(name) for name in ("cached", "written", "reasoning")),
        func.max(rows.prompt + rows.completion).label("longest"),
        func.count(rows.max_tokens).label("limited"),
        total(rows.max_tokens).label("limits"),
        total(case((is_cut(rows), 1), else_=0)).label("cut"),
        func.count(rows.request_digest).label("known"),
        func.count(rows.cache_key).label("asked"),
        func.min(rows.request_digest).label("example"),
    ]


def is_short(rows: Any) -> ColumnElement[Any]:
    return case((and_(rows.prompt <= SHORT, rows.completion < SHORT), 1), else_=0)


def is_cut(rows: Any) -> ColumnElement[bool]:
    """Whether the answer ended because it was as long as it may be."""
    return and_(rows.max_tokens > 0, rows.completion >= rows.max_tokens)


def total(column: Any) -> ColumnElement[Any]:
    """A sum, as a whole number."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)
