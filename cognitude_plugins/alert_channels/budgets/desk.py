"""Everything of budgets that lives from start-up to shutdown, and what their endpoints ask of it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from hooks import EVERY_ORGANIZATION, Gateway, Tick

from ..channels.named import missing
from .hard import MISSING, publish
from .owned import declared, shares
from .settings import DeclaredBudget

if TYPE_CHECKING:
    from ..lifecycle.lifecycle import Lifecycle
    from .evaluation import Evaluation
    from .owned import Owned
    from .register import Register
    from .standing import Standing
    from .standings import Standings

SERIES: Final = "budgets"
"""Of the alerts that are theirs."""


@dataclass(frozen=True, slots=True)
class _Open:
    gateway: Gateway
    register: Register
    standings: Standings
    evaluation: Evaluation
    lifecycle: Lifecycle


class Desk:
    """``name`` is the plugin's; ``now`` and ``new_id`` are for tests."""

    def __init__(
        self,
        budgets: Sequence[DeclaredBudget],
        name: str,
        *,
        every: timedelta = timedelta(hours=1),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: f"budget_{secrets.token_hex(12)}",
    ) -> None:
        self.now = now
        self.new_id = new_id
        self._declared = budgets
        self._every = every
        self._name = name
        self._there: _Open | None = None

    @asynccontextmanager
    async def opened(self, gateway: Gateway, lifecycle: Lifecycle) -> AsyncIterator[None]:
        from .evaluation import Evaluation
        from .register import Register
        from .standings import Standings

        register, standings = Register(declared(self._declared), gateway.database), Standings(gateway)
        evaluation = Evaluation(gateway, register, standings, every=self._every)
        self._there = _Open(gateway, register, standings, evaluation, lifecycle)
        await self.refresh()
        try:
            yield
        finally:
            gateway.ceilings.publish(self._name, ())
            self._there = None

    @property
    def register(self) -> Register:
        return self._opened.register

    @property
    def gateway(self) -> Gateway:
        return self._opened.gateway

    async def refresh(self) -> None:
        """Apply here what was changed in the database: hard budgets are in force a second later."""
        if self._there is not None:
            await self._there.register.refresh()
            publish(self._there.gateway, self._name, self._there.register.all())

    async def standing(self, budgets: Sequence[Owned], organization: str) -> list[Standing]:
        """With `EVERY_ORGANIZATION` of each organization that has them. Raises `hooks.Unavailable`."""
        there = self._opened
        whose = there.gateway.organizations() if organization == EVERY_ORGANIZATION else (organization,)
        return await there.standings.of(shares(budgets, whose), self.now())

    async def standings_of(self, organization: str) -> list[Standing]:
        """Of all budgets of an organization. Raises `hooks.Unavailable`."""
        register = self._opened.register
        found = register.all() if organization == EVERY_ORGANIZATION else register.of(organization)
        return await self.standing(found, organization)

    async def run(self, tick: Tick) -> None:
        """The job of each minute. Run out of turn, which is not at a full one, it looks at all budgets."""
        if self._there is not None:
            turn = tick.due.replace(second=0, microsecond=0)
            await self.evaluate(tick.due, everything=tick.due != turn)

    async def evaluate(self, now: datetime, *, everything: bool = False) -> None:
        """Raises `hooks.Unavailable`."""
        there, written = self._opened, False
        try:
            before = await there.lifecycle.look(SERIES, now)
            found = await there.evaluation.budgets_due(now, before.standing, everything=everything)
            written = await there.lifecycle.observe(found, now, series=SERIES, seen=before)
        finally:
            if not written:
                there.evaluation.forget()

    def warning(self, one: Owned) -> str | None:
        """What is missing for it to be held to, or to be told of."""
        there, budget = self._opened, one.budget
        found = missing(budget.channels, {one.name for one in there.lifecycle.targets.targets(one.organization)})
        if budget.hard and budget.enabled and not there.gateway.ceilings.held:
            found = [MISSING, *found]
        return " ".join(found) or None

    def status(self) -> Mapping[str, Any]:
        """For ``/health``; with a ``status`` only where something is wrong."""
        if self._there is None:
            return {}
        budgets = self._there.register.all()
        hard = sum(one.budget.hard and one.budget.enabled for one in budgets)
        found: dict[str, Any] = {"budgets": len(budgets), "hard_budgets": hard}
        if not hard or self._there.gateway.ceilings.held:
            return found
        return {**found, "status": "degraded", "hard_budgets_problem": MISSING}

    @property
    def _opened(self) -> _Open:
        if self._there is None:
            raise RuntimeError("alert_channels has not been started")
        return self._there
