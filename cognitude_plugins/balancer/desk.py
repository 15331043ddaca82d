"""Everything of the balancer that lives from start-up to shutdown, and what its endpoints ask of it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

from hooks import EVERY_ORGANIZATION, Call, Caller, ConfigError, Database, Gateway, Outcome, Plan, Unavailable

from .assembly import Assembler, Assembly, Ready, Trial
from .checks import problems
from .exposure import Exposed, Pending, Sums, digest_of, sums_of
from .mirrors import MARK, Mirror
from .settings import Config

if TYPE_CHECKING:
    from .results import ArmSums

log: Final = logging.getLogger("cognitude.balancer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """What is to be done when a call has its answer. Nothing, unless the plan it was routed by gives ``why``: in shadow
    mode it does not. The unit of ``exposed`` is not a digest yet.
    """

    call: Call
    why: str
    exposed: Exposed | None = None
    mirror: Mirror | None = None


class Desk:
    """``random``, ``now`` and ``clock`` are the plugin's. What is opened is there from start-up to shutdown only."""

    def __init__(
        self, config: Config, name: str, *, random: Random, now: Callable[[], datetime], clock: Callable[[], float]
    ) -> None:
        self.config: Final = config
        self._name = name
        self._random = random
        self._now = now
        self._clock = clock
        self._assembly: Assembly | None = None
        self._database: Database | None = None
        self._pending = Pending()

    @asynccontextmanager
    async def opened(self, gateway: Gateway) -> AsyncIterator[None]:
        wrong = problems(self.config, gateway.models)
        if wrong:
            raise ConfigError(wrong)
        assembler = Assembler(name=self._name, gateway=gateway, random=self._random, now=self._now, clock=self._clock)
        self._assembly = assembly = assembler.assembled(self.config)
        self._database = gateway.database
        try:
            yield
        finally:
            for mirror in assembly.copies:
                await mirror.stop()
            await self.flush()

    def route(self, call: Call, plan: Plan) -> Plan | None:
        assembly = self._assembly
        if assembly is None:
            return None
        ready = assembly.rules.of(call)
        routed = None if ready is None else ready.router.route(call, plan)
        changed = None if routed is None or routed.plan is plan else routed.plan
        if routed is not None and routed.arm is not None and ready is not None and not call.dry_run:
            self._expose(call, ready, routed.arm, routed.plan)
        if assembly.mirrors and (mirror := assembly.mirrors.of(call)) is not None and mirror.wants(call):
            changed = self._to_be_copied(call, mirror, changed or plan)
        return changed

    def answered(self, trip: Trip, outcome: Outcome) -> None:
        """To be told once, after the last byte."""
        if trip.why not in outcome.reasons:
            return
        if trip.exposed is not None:
            unit = digest_of(trip.exposed.unit, trip.exposed.organization)
            self._pending.add(trip.exposed._replace(unit=unit), sums_of(outcome))
        if trip.mirror is not None and outcome.source == "provider":
            trip.mirror.copy(trip.call)

    async def flush(self) -> None:
        """Add what was counted to the database. What cannot be written is kept for the next time."""
        from .stored import add

        if self._database is None:
            return
        now_ms = int(self._now().timestamp() * 1000)
        for organization, sums in self._pending.take().items():
            rows = sorted(sums.items())
            try:
                await self._database.write(organization, lambda connection, rows=rows: add(connection, rows, now_ms))  # type: ignore[misc]
            except Unavailable as error:
                log.warning("what experiments counted waits for the database: %s", error)
                for exposed, kept in rows:
                    self._pending.add(exposed, kept)

    async def sweep(self) -> None:
        """Forget users of experiments who have not called for ``keep_days``."""
        from .stored import forget

        if self._database is None:
            return
        before = self._now() - timedelta(days=self.config.keep_days)
        before_ms = int(before.timestamp() * 1000)
        await self._database.write(EVERY_ORGANIZATION, lambda connection: forget(connection, before_ms))

    @property
    def trials(self) -> Sequence[Trial]:
        return () if self._assembly is None else tuple(self._assembly.trials.values())

    async def sums(self, organization: str) -> Mapping[tuple[str, str], ArmSums]:
        """By experiment and arm. Raises `hooks.Unavailable`."""
        from .stored import arm_sums

        if self._database is None:
            return {}
        await self.flush()
        return await self._database.read(organization, lambda connection: arm_sums(connection, organization))

    def score(self, caller: Caller, experiment: str, user: str | None, score: float) -> str | None:
        """Count it for the arm the user is in, which is returned; None if there is no such experiment."""
        trial = None if self._assembly is None else self._assembly.trials.get(experiment)
        if trial is None:
            return None
        unit = trial.unit_of(replace(caller, user=user))
        arm = trial.arms.arm_of(caller.organization, unit)
        exposed = Exposed(caller.organization, experiment, arm, digest_of(unit, caller.organization))
        self._pending.add(exposed, Sums(scored=1, score=score))
        return arm

    def status(self) -> dict[str, Any]:
        """For ``/health``, which anybody may read: names of the configuration and numbers."""
        found: dict[str, Any] = {"status": "ok"}
        if self._assembly is None:
            return found
        if self._assembly.ramps:
            found["canaries"] = {one.deployment: one.status() for one in self._assembly.ramps}
        if self._assembly.copies:
            found["mirrors"] = {one.name: one.status() for one in self._assembly.copies}
        failures = self._assembly.rules.failures() + self._assembly.mirrors.failures()
        if failures:
            found["failed_conditions"] = failures
        if self._pending.lost:
            found["lost_exposures"] = self._pending.lost
        return found

    def _expose(self, call: Call, ready: Ready, arm: str, plan: Plan) -> None:
        if ready.trial is None or MARK in call.headers:
            return
        organization = call.caller.organization
        exposed = Exposed(organization, ready.trial.settings.name, arm, ready.trial.unit_of(call.caller))
        call.state[self._name] = Trip(call=call, why=plan.reasons[-1], exposed=exposed)

    def _to_be_copied(self, call: Call, mirror: Mirror, plan: Plan) -> Plan:
        why = f"{self._name}: mirror {mirror.name}"
        before = call.state.get(self._name)
        exposed = before.exposed if isinstance(before, Trip) else None
        call.state[self._name] = Trip(call=call, why=why, exposed=exposed, mirror=mirror)
        return plan.rank(lambda one: 0, why=why)
