"""Everything of the limiter that lives from start-up to shutdown, and what its endpoints ask of it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from hooks import Caller, Deployment, Gateway

from .clock import steady_clock
from .counters import Counters, InProcess
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
        self._models: Mapping[str, tuple[Deployment, ...]] = {}

    @property
    def overrides(self) -> Overrides:
        if self._overrides is None:
            raise RuntimeError("the limiter has not been started")
        return self._overrides

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
                self._counters.forget(*self.policies.place(organization, own_only))

    async def sweep(self) -> None:
        if self._counters is not None:
            await self._counters.sweep()

    async def reset(self, organization: str, *, own_only: bool) -> None:
        """Forget an organization's counters in every process. Raises `hooks.Unavailable`, `Down`."""
        await self.overrides.reset(organization, own_only=own_only)
        self.refused.forget()
        if self._counters is not None:
            await self._counters.reset(*self.policies.place(organization, own_only))

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
        return [
            Standing(
                rule=rule,
                subject=subject,
                used=max(0, charge.most - state.remaining),
                remaining=state.remaining,
                reset_ms=state.reset,
            )
            for (rule, subject), charge, state in zip(placed, charges, verdict.states, strict=True)
        ]

    def status(self) -> dict[str, Any]:
        """For ``/health``."""
        return {"status": "ok"} if self._counters is None else self._counters.status()

    def _overrides_of(self, organization: str) -> Sequence[Override]:
        return () if self._overrides is None else self._overrides.of(organization)
