"""From the reservation to what was used: while a stream runs, when a call ends, and what is told in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Final

from hooks import Call, Deployment, Gateway, Outcome, Reply, Usage

from .bound import Surprises
from .charge import Charge
from .counters import Closed, Counters
from .demand import used
from .reservation import Reservation, leases
from .stream_end import while_affordable

_SMALLEST_STEP: Final = 16
"""Tokens that are reserved at a time when there is hardly any money left."""


class Settlement:
    """Of one process. ``_open`` are the calls under way whose leases it renews."""

    def __init__(self, counters: Counters, gateway: Gateway, surprises: Surprises | None = None) -> None:
        self._counters = counters
        self._gateway = gateway
        self._surprises = surprises or Surprises()
        self._open: dict[str, Reservation] = {}

    def watched(self, call: Call, reply: Reply, reservation: Reservation) -> Reply:
        """The reply, with what settles the reservation after its last byte. A stream ends when its budget has."""
        self._open[reservation.id] = reservation

        def settle(outcome: Outcome) -> Awaitable[None] | None:
            self._open.pop(reservation.id, None)
            return self._settle(reservation, outcome)

        deployment = reply.deployment
        if reply.streamed and deployment is not None and _metered(reservation):
            purse = _Purse(self._counters, self._gateway, reservation, deployment)

            def affordable(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
                return while_affordable(chunks, reservation.demand.prompt, purse.afford)

            reply = reply.through(affordable)
        return reply.on_complete(settle)

    def renew(self) -> None:
        """Every call under way holds its leases for another while."""
        together: dict[tuple[str, tuple[Charge, ...]], list[str]] = {}
        for reservation in self._open.values():
            together.setdefault((reservation.tag, leases(reservation.charges)), []).append(reservation.id)
        for (tag, charges), ids in together.items():
            self._counters.renew(tag, ids, charges)

    def _settle(self, reservation: Reservation, outcome: Outcome) -> Awaitable[None] | None:
        reservation.settled = True
        tokens, cost = used(outcome, reservation.demand)
        provider = "" if outcome.deployment is None else outcome.deployment.provider
        if outcome.deployment is not None:
            held = reservation.demand.held + reservation.more_held
            self._surprises.note(outcome.deployment.id, held, outcome.cost_nano_usd or 0)
        corrections = reservation.corrections(tokens, cost, provider)
        self._counters.settle(reservation.tag, reservation.id, corrections, local=reservation.local)
        moved = reservation.moved(tokens, cost, provider)
        return self._counters.add(reservation.tag, reservation.id, moved) if moved else None


class _Purse:
    """The money of one stream: what was reserved, and more of it, a step at a time, while every limit has some."""

    def __init__(self, counters: Counters, gateway: Gateway, reservation: Reservation, deployment: Deployment) -> None:
        self._counters = counters
        self._gateway = gateway
        self._reservation = reservation
        self._deployment = deployment
        self._paid = reservation.demand.cost
        self._tokens = reservation.demand.completion

    async def afford(self, completion_tokens: int) -> bool:
        """Whether what was written so far is covered, if need be by reserving more."""
        if completion_tokens <= self._tokens:
            return True
        step = max(_SMALLEST_STEP, self._reservation.demand.completion)
        while step >= _SMALLEST_STEP:
            if await self._reserved(completion_tokens + step):
                return True
            step //= 4
        return False

    async def _reserved(self, tokens: int) -> bool:
        usage = Usage(prompt_tokens=self._reservation.demand.prompt, completion_tokens=tokens, reported=False)
        cost = self._gateway.cost(self._deployment, usage)
        more = 0 if cost is None else cost - self._paid
        if more > 0:
            one = self._reservation
            try:
                verdict, _ = await self._counters.reserve(one.tag, one.id, one.more(more))
            except Closed:
                return False
            if verdict is not None and not verdict.admitted:
                return False
            one.took(more)
            self._paid += more
        self._tokens = tokens
        return True


def _metered(reservation: Reservation) -> bool:
    return any(rule.unit == "cost_usd" for rule in reservation.rules)
