"""Overrides in a real database, for tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cognitude_plugins.limiter.overrides import Overrides
from cognitude_plugins.limiter.settings import Limit
from hooks import Database


def limit(number: float | str = 100, per: str | None = "minute", unit: str = "requests", **more: Any) -> Limit:
    values = {"scope": "organization", "unit": unit, "per": per, "limit": Decimal(str(number)), **more}
    return Limit.model_validate(values)


async def loaded(database: Database) -> Overrides:
    """As another process would have it."""
    overrides = Overrides(database)
    await overrides.load()
    return overrides
