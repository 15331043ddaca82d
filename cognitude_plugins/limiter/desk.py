"""Everything of the limiter that lives from start-up to shutdown, and what its endpoints ask of it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from hooks import Caller, Deployment, Gateway

from .ceilings import spent_of
from .charge import UNLIMITED
from .clock import steady_clock
from .counters import Counters, InProcess
from .keeper import Keeper
from .layers import Override
from .memory import Memory
from .policies import Policies
from .refused import Refused
from .settings import Config, Limit
from .standing import Standing

if TYPE_CHECKING:
    from .overrides import Overrides

log: Final = logging.getLogger("cognitude.limiter")


class Desk:
    """``name`` is the plugin's, ``limits`` are those of the configuration.

    What is opened is there between start-up and shutdown only.
    """

    def __init__(self, config: Config, name: str = "limiter") -> None:
        self.config = config
        self.limits: Sequence[Limit] = config.limits
        self.refused = Refused(name)
        self.policies = Policies(self.limits, self._overrides_of, zone=lambda organization: "UTC")
        self._overrides: Overrides | None = None
        self._counters: Counters | None = None
        self._keeper: Keeper | None = None
        self._models: Mapping[str, tuple[Deployment, ...]] = {}

    @property
    def overrides(self) -> Overrides:
        if self._overrides is None:
            raise RuntimeError("the limiter has not been started")
        return self._overrides

    @property
    def keeper(self) -> Keeper:
        if self._keeper is None:
            raise RuntimeError("the limiter has not been started")
        return self._keeper

    @asynccontextmanager
    async def opened(self, gateway: Gateway) -> AsyncIterator[Counters]:
        from .overrides import Overrides

        share = 1.0 if gateway.redis is not None else 1 / (gateway.workers * self.config.machines)
        if share < 1:
            log.warning(
                "without services.redis each of the %d workers has its own part of every limit; "
                "services.redis: embedded makes the limits exact",
                round(1 / share),
            )
        self.policies = Policies(self.limits, self._overrides_of, zone=gateway.time_zone, share=share)
        self._overrides = Overrides(gateway.database)
        self._models = gateway.models
        async with AsyncExitStack() as stack:
            self._counters = await self._open(gateway, stack)
            await self._overrides.load()
            self._keeper = Keeper(gateway, self.policies, self._counters, self.refused, share)
            await self._keeper.take()
            yield self._counters

    async def _open(self, gateway: Gateway, stack: AsyncExitStack) -> Counters:
        if gateway.redis is None:
            now = steady_clock()
            return InProcess(Memory(now), now)
        from .shared import Shared

        return await Shared.opened(gateway.redis, gateway, self.config, stack)

    async def refresh(self) -> None:
        """What was changed or reset in another process is in force here a second later."""
        if self._overrides is None:
            return
        changes = await self._overrides.refresh()
        if changes.organizations:
            self.policies.forget()
            self.refused.forget()
        for organization, own_only in changes.resets:
            self.refused.forget()
            if self._counters is not None:
                tag, subjects, budgets = self.policies.place(organization, own_only)
                self._counters.forget(tag, subjects, but=budgets)

    async def read_budgets(self) -> None:
        """Once a second: those that were published, and what the ledger says was spent of them."""
        if self._keeper is not None:
            await self._keeper.read()

    async def sweep(self) -> None:
        if self._counters is not None:
            await self._counters.sweep()

    async def reset(self, organization: str, *, own_only: bool) -> None:
        """Forget an organization's counters in every process, but for those of budgets, which are the ledger's.

        Raises `hooks.Unavailable`, `Down`.
        """
        await self.overrides.reset(organization, own_only=own_only)
        self.refused.forget()
        if self._counters is not None:
            tag, subjects, budgets = self.policies.place(organization, own_only)
            await self._counters.reset(tag, subjects, but=budgets)

    async def standing(
        self, organization: str, *, key: str = "", user: str = "", address: str = "", model: str = ""
    ) -> Sequence[Standing]:
        """How the limits stand, without taking anything; of users, addresses and models those that are named.

        Raises `Down`.
        """
        if self._counters is None:
            return ()
        caller = Caller(organization=organization, key=key, user=user or None, address=address)
        provider = next((one.provider for one in self._models.get(model, ())), "")
        prepared = self.policies.of(caller)
        placed = [
            (rule, subject)
            for rule, subject in self.policies.placed(prepared, caller, model, provider)
            if (rule.scope != "model" or model) and (rule.scope != "key" or key) and (not model or rule.applies(model))
        ]
        charges = self.policies.looks(placed, organization, self._counters.now())
        verdict = await self._counters.look(prepared.tag, charges)
        budgets = await self._budgets(prepared.tag, caller)
        return [
            *(
                Standing(
                    rule=rule,
                    subject=subject,
                    used=max(0, charge.most - state.remaining),
                    remaining=state.remaining,
                    reset_ms=state.reset,
                )
                for (rule, subject), charge, state in zip(placed, charges, verdict.states, strict=True)
            ),
            *budgets,
        ]

    async def _budgets(self, tag: str, caller: Caller) -> Sequence[Standing]:
        """Each budget with what was spent of it, and what calls under way hold."""
        if self._counters is None or not (found := list(self.policies.budgets(caller, self._counters.now()))):
            return ()
        charges = [one for _, charge in found for one in (charge, spent_of(charge))]
        states = (await self._counters.look(tag, charges)).states
        standing = []
        for at, (rule, charge) in enumerate(found):
            # More than the whole may be taken, which only the other counter can tell.
            spent = UNLIMITED - states[2 * at + 1].remaining
            remaining = states[2 * at].remaining
            standing.append(
                Standing(
                    rule=rule,
                    subject=charge.subject,
                    used=spent,
                    remaining=remaining,
                    reset_ms=0 if rule.per == "total" else states[2 * at].reset,
                    reserved=max(0, rule.limit - remaining - spent),
                )
            )
        return standing

    def status(self) -> dict[str, Any]:
        """For ``/health``."""
        if self._counters is None or self._keeper is None:
            return {"status": "ok"}
        return {**self._counters.status(), **self._keeper.status()}

    def _overrides_of(self, organization: str) -> Sequence[Override]:
        return () if self._overrides is None else self._overrides.of(organization)
