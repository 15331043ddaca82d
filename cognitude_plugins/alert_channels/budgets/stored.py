"""The rows of budgets: what is read and written within a transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, get_args

import orjson
from pydantic import ValidationError
from sqlalchemy import Connection, delete, func, insert, select, update

from ..tables import AlertBudget
from .owned import By, Owned
from .settings import Budget

_BUDGET: Final[Any] = AlertBudget.__table__  # type: ignore[attr-defined]

log: Final = logging.getLogger("cognitude.alert_channels")


def budgets(connection: Connection) -> Sequence[Owned]:
    """Of all organizations, without those that cannot be read: of an older version, or a newer one."""
    ordered = select(_BUDGET).order_by(_BUDGET.c.organization, _BUDGET.c.name)
    return list(_read(connection.execute(ordered)))


def add(connection: Connection, one: Owned) -> None:
    connection.execute(insert(_BUDGET).values(id=one.id, created_ms=one.created_ms, **_values(one)))


def change(connection: Connection, one: Owned) -> None:
    connection.execute(update(_BUDGET).where(_BUDGET.c.id == one.id).values(**_values(one)))


def find(connection: Connection, id: str) -> Owned | None:
    return next(_read(connection.execute(select(_BUDGET).where(_BUDGET.c.id == id))), None)


def remove(connection: Connection, id: str) -> bool:
    """Whether it was there."""
    return bool(connection.execute(delete(_BUDGET).where(_BUDGET.c.id == id)).rowcount)


def count(connection: Connection, organization: str) -> int:
    mine = select(func.count()).select_from(_BUDGET).where(_BUDGET.c.organization == organization)
    return int(connection.execute(mine).scalar_one())


def _values(one: Owned) -> dict[str, Any]:
    return {
        "organization": one.organization,
        "name": one.budget.name,
        "definition": orjson.dumps({"by": one.by, **one.budget.model_dump(mode="json", exclude={"enabled"})}).decode(),
        "enabled": one.budget.enabled,
        "updated_ms": one.updated_ms,
    }


def _read(rows: Any) -> Iterator[Owned]:
    for row in rows:
        found = _parsed(row.definition, bool(row.enabled))
        if found is None:
            log.warning("the budget %s of %s cannot be read and does not count", row.id, row.organization)
            continue
        by, budget = found
        yield Owned(
            id=row.id,
            organization=row.organization,
            by=by,
            budget=budget,
            created_ms=row.created_ms,
            updated_ms=row.updated_ms,
        )


@lru_cache(maxsize=4096)
def _parsed(text: str, enabled: bool) -> tuple[By, Budget] | None:
    try:
        values: dict[str, Any] = orjson.loads(text)
        by = values.pop("by", None)
        return (by, Budget.model_validate({**values, "enabled": enabled})) if by in get_args(By) else None
    except (ValidationError, orjson.JSONDecodeError):
        return None
