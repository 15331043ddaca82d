"""Counts in Redis, and a process's own for the time in which that is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Final, Literal

from hooks import Gateway, Redis

from .charge import NONE, Charge, Correction, Kind, Verdict
from .counters import Closed, Decision, Down
from .fallback import Degraded
from .packing import Command
from .redis_engine import RedisEngine, returned
from .settings import Config

OnError = Literal["local", "open", "closed"]

log: Final = logging.getLogger("cognitude.limiter")


class Shared:
    """Made by `opened`."""

    def __init__(self, redis: Redis, config: Config, share: float) -> None:
        self._on_error: Final[OnError] = config.on_redis_error
        self._engine = RedisEngine(
            redis,
            prefix=config.prefix,
            timeout=config.redis_timeout,
            debts=self._paid,
            on_late=self._late,
            told=_told,
        )
        self._degraded = Degraded(self._engine.now, prefix=config.prefix, share=share)

    @classmethod
    async def opened(cls, redis: Redis, gateway: Gateway, config: Config, stack: AsyncExitStack) -> Shared:
        shared = cls(redis, config, 1 / (gateway.workers * config.machines))
        stack.push_async_callback(shared._engine.stop)
        await shared._engine.start()
        asking = asyncio.create_task(shared._warn_of_eviction())
        stack.push_async_callback(_ended, asking)
        return shared

    def now(self) -> int:
        return self._engine.now()

    async def reserve(self, tag: str, id: str, charges: Sequence[Charge], *, dry: bool = False) -> Decision:
        try:
            verdict = await self._engine.reserve(tag, id, charges, dry=dry)
        except Down:
            if self._on_error == "closed":
                raise Closed from None
            if self._on_error == "open":
                return None, True
            return self._degraded.reserve(tag, id, charges, dry=dry), True
        self._degraded.saw(tag, charges, verdict)
        self._pay(tag)
        return verdict, False

    async def look(self, tag: str, charges: Sequence[Charge]) -> Verdict:
        verdict = await self._engine.reserve(tag, "", charges, dry=True)
        self._pay(tag)
        return verdict

    async def add(self, tag: str, id: str, charges: Sequence[Charge]) -> None:
        try:
            await self._engine.reserve(tag, id, charges, force=True)
        except Down:
            log.debug("what call %s used at another provider is not counted: Redis does not answer", id)

    async def raise_to(self, tag: str, id: str, charges: Sequence[Charge]) -> None:
        """Without Redis, of what this process then goes by."""
        try:
            await self._engine.raise_to(tag, id, charges)
        except Down:
            self._degraded.raise_to(tag, id, charges)
            raise

    def settle(self, tag: str, id: str, corrections: Sequence[Correction], *, local: bool) -> None:
        if local:
            corrections = self._degraded.settle(tag, id, corrections)
        if corrections:
            self._engine.settle(tag, id, corrections)

    def renew(self, tag: str, ids: Iterable[str], charges: Sequence[Charge]) -> None:
        ids = tuple(ids)
        self._engine.renew(tag, ids, charges)
        self._degraded.renew(tag, ids, charges)

    async def reset(self, tag: str, subjects: str, *, but: str = NONE) -> None:
        self.forget(tag, subjects, but=but)
        await self._engine.reset(tag, subjects, but=but)

    def forget(self, tag: str, subjects: str, *, but: str = NONE) -> None:
        self._degraded.reset(tag, subjects, but=but)

    async def sweep(self) -> None:
        """Also pay what is still owed of organizations that have not called since their Redis is back."""
        self._degraded.sweep()
        for tag, charges in self._degraded.owed():
            with suppress(Down):
                await self.look(tag, charges)

    def status(self) -> dict[str, Any]:
        up = self._engine.up
        return {
            "status": "ok" if up else "degraded",
            "counters": "redis" if up else {"local": "process", "open": "none", "closed": "none"}[self._on_error],
            "dropped_settlements": self._engine.dropped,
        }

    def _pay(self, tag: str) -> None:
        """What was decided here when Redis was back already, or while only others' nodes of a cluster were there."""
        if self._degraded.owes(tag) and self._engine.up:
            self._engine.pay(self._degraded.paid_of(tag, self.now()))

    def _paid(self, now: int) -> list[Command]:
        organizations = len(self._degraded.owed())
        commands = self._degraded.paid(now)
        if commands:
            log.info("what was let through without Redis is counted there now (organizations: %d)", organizations)
        return commands

    def _late(self, tag: str, id: str, charges: Sequence[Charge], verdict: Verdict) -> None:
        """What was let through here stays counted there instead, but for its leases; what was not is undone.

        Where everything is let through it may as well be counted.
        """
        if self._on_error == "open":
            return
        undone = returned(charges, verdict)
        if self._on_error == "local" and self._degraded.late(tag, id, charges):
            undone = tuple(one for one in undone if one.charge.kind is Kind.LEASE)
        if undone:
            self._engine.settle(tag, id, undone)

    async def _warn_of_eviction(self) -> None:
        try:
            policy, bytes_ = await self._engine.policy()
        except Down:
            return
        if bytes_ and policy != "noeviction":
            log.warning(
                "services.redis has maxmemory-policy %s: when it is full it may drop the limiter's counters, and calls "
                "pass that should not; noeviction, or a Redis of its own, keeps them",
                policy,
            )


def _told(why: str) -> None:
    if why:
        log.warning("the limits are not counted in Redis for now: %s", why)
    else:
        log.info("the limits are counted in Redis")


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
