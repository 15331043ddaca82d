"""Calls by deployment and beginning of their prompt, in SQL: of which a provider could have had the beginning."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import FromClause, Select, case, func, select

from .paid_calls import GROUP, columns, is_answer, is_paid, is_short, total

KEPT_MS: Final = 300_000
"""Five minutes: for so long providers keep a beginning that is not used again (Anthropic; OpenAI: five to ten)."""


def beginnings(calls: FromClause, middle_ms: int) -> Select[Any]:
    """Half, `GROUP`, prefix, its tokens, calls, warm ones, discounted tokens, prompt, completion: sums.

    A call is warm if the one before it, of the same beginning at the same deployment, was not longer ago than
    `KEPT_MS`. Groups without a warm call are left out: there may be very many, and nothing is to be saved on them.
    """
    c, rows = calls.c, SimpleNamespace(**columns(calls, middle_ms))
    before = func.lag(c.time_ms).over(partition_by=(c.deployment, c.prefix_digest), order_by=(c.time_ms, c.id))
    found = (
        select(
            rows.half.label("half"),
            c.deployment,
            c.requested_model,
            c.complexity,
            is_short(rows).label("short"),
            c.prefix_digest,
            c.prefix_tokens,
            case((c.time_ms - before <= KEPT_MS, 1), else_=0).label("warm"),
            case((rows.cached < c.prefix_tokens, rows.cached), else_=c.prefix_tokens).label("discounted"),
            rows.prompt.label("prompt"),
            rows.completion.label("completion"),
        )
        .where(is_answer(calls), is_paid(calls), c.prefix_digest.is_not(None))
        .subquery("begun")
    )
    f = found.c
    groups = [f.half, *(f[name] for name in GROUP), f.prefix_digest]
    sums = (f.warm, f.discounted, f.prompt, f.completion)
    chosen = select(*groups, func.max(f.prefix_tokens), func.count(), *(total(one) for one in sums))
    return chosen.group_by(*groups).having(total(f.warm) > 0)
