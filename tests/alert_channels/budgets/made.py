"""Budgets, calls and standings for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cognitude_plugins.alert_channels.budgets.owned import Owned, Share
from cognitude_plugins.alert_channels.budgets.period import period_of
from cognitude_plugins.alert_channels.budgets.settings import Budget
from cognitude_plugins.alert_channels.budgets.standing import Standing
from hooks.testing import FakeCall, FakeLedger

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
USD = 10**9


def budget(name: str = "all", amount: Any = 100, per: Any = "month", **changed: Any) -> Budget:
    return Budget.model_validate({"name": name, "amount_usd": amount, "per": per, **changed})


def owned(one: Budget | None = None, organization: str = "acme", *, by: Any = "organization", id: str = "") -> Owned:
    found = one or budget()
    return Owned(id=id or f"budget_{found.name}", organization=organization, by=by, budget=found)


def share(one: Budget | None = None, organization: str = "acme") -> Share:
    return Share(owned=owned(one, organization), organization=organization)


def standing(usd: float | None, one: Budget | None = None, now: datetime = NOW, **changed: Any) -> Standing:
    found = share(one)
    period = period_of(found.budget.per, "UTC", now, found.budget.since)
    spent = None if usd is None else round(usd * USD)
    return Standing(share=found, zone="UTC", period=period, spent=spent, **changed)


def call(at: datetime, usd: float = 1.0, organization: str = "acme", **changed: Any) -> FakeCall:
    return FakeCall(at=at, organization=organization, cost_nano_usd=round(usd * USD), **changed)


class CountingLedger(FakeLedger):
    """How often it was asked for sums."""

    asked = 0

    async def usage(self, *args: Any, **options: Any) -> Any:
        self.asked += 1
        return await super().usage(*args, **options)
