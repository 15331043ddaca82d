"""What happens to a call on its way down, and to its answer on the way up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import orjson

from hooks import Call, Gateway, Outcome, Reply

from . import answers
from .answers import FORCED, MISS, NOT_CACHED, STORED, TOGETHER
from .entry import Entry
from .flights import MOST_ATTEMPTS, Flight, Flights, Landing
from .hot import Claim
from .key import cache_key, canonical
from .layers import Elsewhere, Layers
from .reading import failure, unchanged, usage, value
from .recent import Place
from .settings import Config
from .trip import Trip
from .wishes import NONE, BadWish, Wishes, wishes
from .worth import APIS, bypassed, worth_keeping

IDEMPOTENCY_KEY: Final = "idempotency-key"
_ONCE_SECONDS: Final = 86_400
"""For how long the first answer is given again: 24 hours."""
_LONGEST_NAME: Final = 255
_MOST_COUNTED: Final = 50_000
"""Organizations, times the states of their calls: then all begin anew."""
_FAILURES: Final = frozenset({500, 502, 503, 504})
"""RFC 5861, section 4: after which a stale answer may be given."""
SHARED: Final = "*"
"""In place of an organization, of answers that all have in common."""


class Cache:
    """Of one process. ``now`` is milliseconds since 1970."""

    def __init__(
        self, config: Config, *, secret: bytes, layers: Layers, gateway: Gateway, now: Callable[[], int]
    ) -> None:
        self._config = config
        self._secret = secret
        self._gateway = gateway
        self._now = now
        self._representatives: Mapping[str, str] = config.representatives()
        self._shared = config.shared_models()
        self._flights = Flights(self._landed)
        self._releasing: set[asyncio.Task[None]] = set()
        self._pause = config.replay_ms / 1000
        self.layers = layers
        self.counts: Counter[tuple[str, str]] = Counter()

    async def ask(self, call: Call) -> Reply | Trip | None:
        """The answer if it is kept or on its way; else what to do with it when it comes; None to leave it alone."""
        once = call.headers.get(IDEMPOTENCY_KEY)
        if once is not None and call.api in APIS:
            return await self._once(call, once)
        if bypassed(call, self._config) is not None:
            return None
        try:
            wished = wishes(call.headers, call.payload.peek())
        except BadWish as error:
            return Reply.error(400, f"{error}.", code="invalid_value", param=error.param)
        place = self._place(call, wished)
        if wished.no_cache:
            return self._forced(place, wished)
        if wished.max_age is not None or wished.no_store or wished.only_if_cached:
            return await self._alone(call, place, wished)
        return await self._together(call, place, wished)

    def answered(self, call: Call, reply: Reply, trip: Trip) -> Reply:
        """The answer that has come, watched so that it is kept, and others get it too."""
        deployment = reply.deployment
        if reply.source != "provider" or deployment is None or reply.status != 200:
            if trip.stale is not None and reply.status in _FAILURES and reply.source in ("provider", "error"):
                if trip.flight is not None:
                    self._flights.land(trip.place, trip.flight, Landing(entry=trip.stale, kept=True))
                return self._hit(call, trip.place, trip.stale)
            if trip.flight is not None:
                self._flights.land(trip.place, trip.flight, Landing(failure=failure(reply)))
            return reply if reply.status >= 400 else reply.with_headers(MISS)
        self._count(call, "miss")
        if not trip.forced:
            # Who reads the ledger sees that the cache was asked, and under which key.
            call.record(cache_key=trip.place[1])
        flight = trip.flight
        if reply.streamed and flight is not None:

            def ended() -> None:
                used = usage(flight.chunks) if flight.waiting else None
                flight.cost_nano_usd = None if used is None else self._gateway.cost(deployment, used)

            reply = reply.through(lambda chunks: flight.watched(chunks, ended))
            self.layers.offer(flight.claim, flight)

        raw = unchanged(reply)
        worth = raw is not None and worth_keeping(value(reply), self._config)

        def complete(outcome: Outcome) -> Awaitable[None] | None:
            return self._complete(call, trip, outcome, raw if worth else None)

        headers = FORCED if trip.forced else STORED if worth and not trip.wishes.no_store else MISS
        return reply.with_headers(headers).on_complete(complete)

    async def _once(self, call: Call, name: str) -> Reply | Trip:
        """By an Idempotency-Key: the first answer again, whatever it was, if the request is the same."""
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            return answers.BAD_NAME
        organization, body = (
            call.caller.organization,
            canonical(call.payload.raw, call.payload.peek(), model=call.model),
        )
        about = cache_key(self._secret, organization=organization, sharer="", api=call.api, body=body)
        named = orjson.dumps([IDEMPOTENCY_KEY, name])
        key = cache_key(self._secret, organization=organization, sharer="idempotency", api=call.api, body=named)
        return await self._together(call, (organization, key), NONE, about)

    async def _together(self, call: Call, place: Place, wished: Wishes, about: str = "") -> Reply | Trip:
        """With all who ask the same now: one of them looks further than into memory, and goes to the provider."""
        attempt = 1
        while True:
            entry = self.layers.near(*place)
            if entry is not None and self._fresh(entry, wished):
                return self._hit(call, place, entry) if entry.about == about else answers.OTHER_REQUEST
            flight = self._flights.find(place)
            if flight is None:
                flight = self._flights.begin(place, attempt=attempt, about=about)
                call.keep_while(flight.is_awaited)
                return await self._lead(call, place, wished, flight)
            if flight.about != about:
                return answers.OTHER_REQUEST
            reply = await self._follow(call, place, flight)
            if reply is not None:
                return reply
            landing = flight.landing
            if landing is not None and landing.failure is not None and flight.attempt >= MOST_ATTEMPTS:
                return landing.failure
            attempt = flight.attempt + 1
            if attempt > MOST_ATTEMPTS:
                return Trip(place=place, wishes=wished, about=about)

    async def _lead(self, call: Call, place: Place, wished: Wishes, flight: Flight) -> Reply | Trip:
        # A request of its own key is not yet known to be the same.
        streamed = call.stream and not flight.about
        found, stale = await self.layers.claim(*place, streamed=streamed), None
        if isinstance(found, Elsewhere):
            self._count(call, "coalesced")
            return answers.relayed(call, flight, self.layers, found.claim, partial(self._flights.land, place, flight))
        if isinstance(found, Claim):
            flight.claim = found
        elif found.entry.about != flight.about:
            self._flights.land(place, flight, Landing())
            return answers.OTHER_REQUEST
        elif self._fresh(found.entry, wished):
            self._flights.land(place, flight, Landing(entry=found.entry, kept=not found.waited))
            return self._given(call, place, found.entry, coalesced=found.waited)
        else:
            stale = self._stale(found.entry)
        return Trip(place=place, wishes=wished, flight=flight, stale=stale, about=flight.about)

    async def _follow(self, call: Call, place: Place, flight: Flight) -> Reply | None:
        """None when there is no answer, or none yet that can be given like this."""
        flight.waiting += 1
        try:
            await flight.told(streamed=call.stream)
        finally:
            flight.waiting -= 1
        landing = flight.landing
        if landing is None:
            self._count(call, "coalesced")
            return answers.followed(call, flight, place[1])
        if landing.entry is None:
            return None
        return self._given(call, place, landing.entry, coalesced=not landing.kept)

    async def _alone(self, call: Call, place: Place, wished: Wishes) -> Reply | Trip:
        entry = await self.layers.find(*place)
        if entry is not None and self._fresh(entry, wished):
            return self._hit(call, place, entry)
        stale = None if entry is None else self._stale(entry)
        return NOT_CACHED if wished.only_if_cached else Trip(place=place, wishes=wished, stale=stale)

    def _forced(self, place: Place, wished: Wishes) -> Reply | Trip:
        return NOT_CACHED if wished.only_if_cached else Trip(place=place, wishes=wished, forced=True)

    def _given(self, call: Call, place: Place, entry: Entry, *, coalesced: bool) -> Reply:
        if not coalesced:
            return self._hit(call, place, entry)
        self._count(call, "coalesced")
        call.record(cache_key=place[1], saved_nano_usd=entry.cost_nano_usd, reason=TOGETHER)
        return answers.coalesced(call, entry, pause=self._pause)

    def _landed(self, flight: Flight, landing: Landing) -> None:
        """Other workers need not wait for what does not come. What does, they find first."""
        if flight.claim is not None and landing.entry is None:
            task = asyncio.get_running_loop().create_task(self.layers.release(flight.claim))
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)

    def _hit(self, call: Call, place: Place, entry: Entry) -> Reply:
        stale = not self._fresh(entry, NONE)
        self._count(call, "stale" if stale else "hit")
        call.record(cache_key=place[1], saved_nano_usd=entry.cost_nano_usd)
        age, most = entry.age(self._now()), self._most_age(entry)
        left = None if most is None else most - age
        return answers.kept(call, entry, age=age, left=left, stale=stale, pause=self._pause)

    async def _complete(self, call: Call, trip: Trip, outcome: Outcome, raw: bytes | None) -> None:
        """``raw`` is a whole answer that is worth keeping, as it came."""
        worth = raw is not None
        if raw is None and (outcome.complete or outcome.drained) and outcome.status == 200:
            body = outcome.body
            worth = worth_keeping(body, self._config)
            raw = None if body is None else orjson.dumps(body, default=dict)
        if not (outcome.complete or outcome.drained):
            raw = None
        entry = (
            None if raw is None or len(raw) > self._config.max_answer_bytes else self._entry(call, outcome, raw, trip)
        )
        kept = bool(trip.about) or (worth and not trip.wishes.no_store)
        if entry is not None and kept:
            self.layers.keep_near(*trip.place, entry)
        claim = None
        if trip.flight is not None:
            claim = trip.flight.claim
            self._flights.land(trip.place, trip.flight, Landing(entry=entry))
        try:
            if entry is not None and kept:
                await self.layers.keep_far(*trip.place, entry, claim)
        finally:
            if claim is not None:
                await self.layers.release(claim)

    def _entry(self, call: Call, outcome: Outcome, raw: bytes, trip: Trip) -> Entry:
        return Entry(
            body=raw,
            created_ms=self._now(),
            model=call.model,
            cost_nano_usd=outcome.cost_nano_usd,
            usage=outcome.usage,
            seconds=_ONCE_SECONDS if trip.about else trip.wishes.ttl,
            about=trip.about,
        )

    def _count(self, call: Call, state: str) -> None:
        if len(self.counts) > _MOST_COUNTED:
            self.counts.clear()
        self.counts[call.caller.organization, state] += 1

    def _fresh(self, entry: Entry, wished: Wishes) -> bool:
        age, most = entry.age(self._now()), self._most_age(entry)
        return (most is None or age <= most) and (wished.max_age is None or age <= wished.max_age)

    def _most_age(self, entry: Entry) -> float | None:
        general = None if entry.about else self._config.max_age
        return min([one for one in (general, entry.seconds) if one is not None], default=None)

    def _stale(self, entry: Entry) -> Entry | None:
        """The same, if it may be given when the provider fails."""
        most = self._most_age(entry)
        return entry if most is not None and entry.age(self._now()) <= most + self._config.stale_if_error else None

    def _place(self, call: Call, wished: Wishes) -> Place:
        caller, model = call.caller, self._representatives.get(call.model, call.model)
        organization, whose = caller.organization, [self._config.scope, "", wished.namespace]
        if self._shared is not None and self._shared.match(model):
            organization = SHARED
        elif self._config.scope != "organization":
            whose[1] = caller.key if self._config.scope == "key" else caller.user or ""
        sharer = orjson.dumps(whose).decode()
        body = canonical(call.payload.raw, call.payload.peek(), model=model)
        key = cache_key(self._secret, organization=organization, sharer=sharer, api=call.api, body=body)
        return organization, key
