"""The limits in Redis: reserved in one round trip, settled behind the caller's back, by the server's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from time import monotonic, time
from typing import Any, Final

from hooks import Redis

from .charge import NONE, Charge, Correction, Kind, Verdict
from .cluster_line import Cluster
from .counters import Down
from .courier import Courier
from .errand import Errand
from .line import LOST, Line, Reply, Single
from .packing import Command, raise_command, renew_command, reserve_command, settle_command, subject_key, verdict_of
from .windows import taken_in

_MARGIN: Final = 0.9
"""Of the time that a call waits: what the server gets to only after that, it leaves alone."""
_SCANNED: Final = 500

OnLate = Callable[[str, str, Sequence[Charge], Verdict], None]
"""Told tag, call, charges and verdict of what was let through in Redis when nobody waited for it any longer."""


class RedisEngine:
    """``timeout`` in seconds is how long a call waits. ``debts`` gives what is to be counted before anything else when
    Redis is back; ``told`` is why it went away, or empty when it is there.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        prefix: str,
        timeout: float,
        debts: Callable[[int], Iterable[Command]],
        on_late: OnLate,
        told: Callable[[str], None],
    ) -> None:
        self._redis = redis
        self._prefix = prefix
        self._timeout = timeout
        self._debts = debts
        self._on_late = on_late
        self._offset: float | None = None
        self._courier = Courier(line_to(redis, timeout), timeout, back=self._back, told=told)

    @property
    def up(self) -> bool:
        return self._courier.up

    @property
    def dropped(self) -> int:
        """Settlements that were given up because too many were waiting."""
        return self._courier.dropped

    def now(self) -> int:
        """The server's time, as far as it is known; milliseconds since 1970."""
        return int(time() * 1000 if self._offset is None else monotonic() * 1000 + self._offset)

    async def start(self) -> None:
        """Does not fail when Redis is away: it is then down, and goes on trying."""
        await self._courier.start()

    async def stop(self) -> None:
        await self._courier.stop()

    async def reserve(
        self, organization: str, id: str, charges: Sequence[Charge], *, dry: bool = False, force: bool = False
    ) -> Verdict:
        """Raises `Down`."""
        if not self._courier.up:
            raise Down
        flags = "dry" if dry else "force" if force else ""
        not_after = 0 if dry else self.now() + int(self._timeout * 1000 * _MARGIN)
        return await self._reserve(organization, id, charges, flags, not_after)

    def settle(self, organization: str, id: str, corrections: Sequence[Correction]) -> None:
        """Sent with what leaves next, or when Redis is back. Where a lease makes the second time do nothing it is sent
        until Redis has it; else once, as nobody knows what was carried out before a connection broke.
        """
        again = bool(corrections) and corrections[0].charge.kind is Kind.LEASE
        self._send(settle_command(self._prefix, organization, id, corrections), kept=True, again=again)

    def renew(self, organization: str, ids: Iterable[str], charges: Sequence[Charge]) -> None:
        if self._courier.up:
            self._send(renew_command(self._prefix, organization, ids, charges))

    async def raise_to(self, organization: str, id: str, charges: Sequence[Charge]) -> None:
        """May be done twice. Raises `Down`."""
        if not self._courier.up:
            raise Down
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(_: Reply) -> None:
            if not waiter.done():
                waiter.set_result(None)

        def lost() -> None:
            if not waiter.done():
                waiter.set_exception(Down())

        self._courier.take(Errand(raise_command(self._prefix, organization, id, charges), done, lost))
        await waiter

    async def reset(self, organization: str, subjects: str, *, but: str = NONE) -> None:
        """Forget the counters of the subjects that begin so, and not with ``but``; not the calls under way.

        Raises `Down`.
        """
        client = self._redis.client(timeout=2.0)
        pattern = f"{_literal(subject_key(self._prefix, organization, subjects))}*"
        spared = subject_key(self._prefix, organization, but).encode()
        try:
            async for key in client.scan_iter(match=pattern, count=_SCANNED, _type="hash"):
                if not key.startswith(spared):
                    await client.unlink(key)
        except LOST as error:
            raise Down from error
        finally:
            await client.aclose()

    async def policy(self) -> tuple[str, int]:
        """The server's ``maxmemory-policy`` and ``maxmemory``, in bytes. Raises `Down` where it cannot be asked."""
        client = self._redis.client(timeout=1.0)
        try:
            found: dict[str, Any] = await client.config_get("maxmemory*")
        except LOST as error:
            raise Down from error
        finally:
            await client.aclose()
        return str(found.get("maxmemory-policy", "")), int(found.get("maxmemory", 0) or 0)

    def pay(self, debts: Iterable[Command]) -> None:
        """Count what was let through without Redis: at most once."""
        for command in debts:
            self._send(command, kept=True)

    def give_back(self, organization: str, id: str, charges: Sequence[Charge], verdict: Verdict) -> None:
        """Everything that these have taken."""
        if corrections := returned(charges, verdict):
            self.settle(organization, id, corrections)

    async def _reserve(
        self, organization: str, id: str, charges: Sequence[Charge], flags: str, not_after: int
    ) -> Verdict:
        waiter: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()

        def done(reply: Reply) -> None:
            verdict = verdict_of(reply, charges)
            if not waiter.done():
                self._learn(reply[0])
                waiter.set_result(verdict)
            elif verdict is not None and not flags:
                self._unasked(organization, id, charges, verdict, left=waiter.cancelled())

        def lost() -> None:
            if not waiter.done():
                waiter.set_exception(Down())

        command = reserve_command(self._prefix, organization, id, charges, flags=flags, not_after=not_after)
        self._courier.take(Errand(command, done, lost))
        try:
            verdict = await waiter
        except asyncio.CancelledError:
            # He may leave when the verdict is there already and he has not been woken yet.
            if not flags and waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._unasked(organization, id, charges, waiter.result(), left=True)
            raise
        if verdict is not None:
            return verdict
        # In time by our clock and too late by the server's: that one was set. It has just told what it is now.
        return await self._reserve(organization, id, charges, flags, 0)

    def _unasked(
        self, organization: str, id: str, charges: Sequence[Charge], verdict: Verdict | None, *, left: bool
    ) -> None:
        """If it was let through, nobody was there to be told: what he has left is given back."""
        if verdict is None or not verdict.admitted:
            return
        if left:
            self.give_back(organization, id, charges, verdict)
        else:
            self._on_late(organization, id, charges, verdict)

    def _send(self, command: Command, *, kept: bool = False, again: bool = False) -> None:
        self._courier.take(Errand(command, _noted, _nothing, kept=kept, again=again))

    def _back(self, now: int) -> Sequence[Errand]:
        """What is to be paid. ``now`` is the server's time where it has just told it.

        Of a cluster a node may be away still: there an organization's debts are paid when its node has answered.
        """
        if now:
            self._learn(now)
        if self._redis.cluster:
            return ()
        return [Errand(command, _noted, _nothing) for command in self._debts(self.now())]

    def _learn(self, now: int) -> None:
        """Replies come late by what is on the way: the one that came soonest knows best. One that is later than
        anybody waits is of a clock that was set back.
        """
        offset = now - monotonic() * 1000
        if self._offset is None or offset > self._offset or self._offset - offset > self._timeout * 1000:
            self._offset = offset


def line_to(redis: Redis, timeout: float) -> Line:
    return Cluster(redis, timeout) if redis.cluster else Single(redis, timeout)


def returned(charges: Sequence[Charge], verdict: Verdict) -> tuple[Correction, ...]:
    """Corrections that undo what was taken, leases first."""
    corrections = [
        Correction(charge=charge, delta=-charge.amount, start=taken_in(charge, state))
        for charge, state in zip(charges, verdict.states, strict=True)
        if charge.amount
    ]
    return tuple(sorted(corrections, key=lambda one: one.charge.kind is not Kind.LEASE))


def _literal(key: str) -> str:
    """As a pattern that is nothing but this."""
    return "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in key)


def _noted(reply: Reply) -> None:
    """Nobody waits for it."""


def _nothing() -> None:
    """Nobody waits for it."""
