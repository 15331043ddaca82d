"""Paid calls in cells, in SQL: one pass over the rows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sqlalchemy import FromClause, Select, select

from .paid_calls import amounts, columns, is_answer, is_paid, keys


def cells(calls: FromClause, middle_ms: int) -> Select[Any]:
    """Of all, whether they are repeats or not: `KEYS` without the last two, then `AMOUNTS`."""
    rows = SimpleNamespace(**columns(calls, middle_ms))
    by = keys(rows)
    return select(*by, *amounts(rows)).where(is_answer(calls), is_paid(calls)).group_by(*by)
