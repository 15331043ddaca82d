"""The places in which answers are kept, from the nearest to the farthest: each works without the others."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Final, Literal

from .cold import Cold
from .entry import Entry, Unreadable, pack, unpack
from .hot import CLAIM_SECONDS, Claim, Hot
from .recent import Recent
from .relay import BrokenOff, Led, Relay
from .stored import Row
from .timings import Timings

log: Final = logging.getLogger("cognitude.redis_cache")

Layer = Literal["memory", "redis", "sql"]
LAYERS: Final[tuple[Layer, ...]] = ("memory", "redis", "sql")

_FIRST_PAUSE_SECONDS: Final = 0.005
_LONGEST_PAUSE_SECONDS: Final = 0.1
"""Between two looks for what another worker is about to get."""
_KEPT_WITHIN_SECONDS: Final = 0.5
"""An answer, after the end of its stream."""
_LONGEST_MODEL: Final = 256
"""Of a model's name, which a client may have made up, in the database. PostgreSQL has no zeros in its text."""
_MOST_LOST: Final = 1000
_LARGE: Final = 64 * 1024
"""Bytes. What is larger is packed and unpacked in a thread, so that other calls do not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """``waited``: another worker was about to get it."""

    entry: Entry
    waited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The stream of another worker's call, which comes from its beginning."""

    claim: Claim


class Layers:
    """``secret`` signs what is kept. ``now`` is milliseconds since 1970. ``grace`` is for how many seconds an answer is
    kept when it may not be given any more.
    """

    def __init__(
        self,
        *,
        secret: bytes,
        recent: Recent,
        hot: Hot | None,
        cold: Cold | None,
        now: Callable[[], int],
        grace: float = 0,
    ) -> None:
        self._secret = secret
        self._recent = recent
        self._hot = hot
        self._cold = cold
        self._now = now
        self._grace = grace
        self._claims: dict[str, Claim] = {}
        self._lost: deque[tuple[float, Claim]] = deque(maxlen=_MOST_LOST)
        self.relay = None if hot is None else Relay(hot, secret=secret)
        self._worker, self._numbers = token_hex(8), count()
        self.unreadable: Counter[Layer] = Counter()
        self.timings: dict[Layer, Timings] = {layer: Timings() for layer in LAYERS}

    def near(self, organization: str, key: str) -> Entry | None:
        """From memory."""
        began = perf_counter()
        entry = self._recent.get(organization, key)
        if entry is not None:
            self.timings["memory"].add(perf_counter() - began)
        return entry

    async def find(self, organization: str, key: str) -> Entry | None:
        """From the nearest layer that has it, and brought to the nearer ones."""
        entry = self.near(organization, key)
        if entry is not None:
            return entry
        began = perf_counter()
        if self._hot is not None:
            packed = await self._hot.get(organization, key)
            entry = await self._brought_near(packed, "redis", organization, key, began)
            if entry is not None:
                return entry
        return await self._from_sql(organization, key)

    async def _brought_near(
        self, packed: bytes | None, layer: Layer, organization: str, key: str, began: float
    ) -> Entry | None:
        entry = await self._unpacked(packed, layer, organization, key)
        if entry is not None:
            self._recent.put(organization, key, entry)
            self.timings[layer].add(perf_counter() - began)
        return entry

    async def _from_sql(self, organization: str, key: str) -> Entry | None:
        """Where Redis has nothing, what another worker has kept within seconds is not in the database alone."""
        if self._cold is None or (self._hot is not None and self._hot.up and self._cold.lacks(key)):
            return None
        began = perf_counter()
        packed = await self._cold.get(organization, key)
        entry = await self._brought_near(packed, "sql", organization, key, began)
        if entry is not None and packed is not None and self._hot is not None:
            await self._hot.put(organization, key, packed, seconds=self._left(entry))
        return entry

    async def claim(self, organization: str, key: str, *, streamed: bool = False) -> Found | Claim | Elsewhere:
        """What is kept, or the right to get it: of all workers with one Redis one has it, the others wait for him, or
        if they want it ``streamed`` and he gets it as a stream, for the beginning of that.

        Without Redis it is of this worker alone, and given to whoever asks.
        """
        claim = Claim(organization=organization, key=key, token=f"{self._worker}-{next(self._numbers)}")
        waited, pause = False, _FIRST_PAUSE_SECONDS
        while self._hot is not None:
            began, up = perf_counter(), self._hot.up
            try:
                found = await self._hot.claim(organization, key, claim.token, streamed=streamed)
            except asyncio.CancelledError:
                self._lose(claim)
                raise
            if found is None:
                if up:
                    self._lose(claim)
                break
            if found is True:
                self._claims[claim.token] = claim
                break
            if isinstance(found, bytes):
                entry = await self._brought_near(found, "redis", organization, key, began)
                if entry is not None:
                    return Found(entry=entry, waited=waited)
                continue
            if self._is_lost(found):
                await self._hot.release(organization, key, found)
                continue
            if streamed and self.relay is not None:
                theirs = Claim(organization=organization, key=key, token=found)
                if await self.relay.begun(theirs):
                    return Elsewhere(claim=theirs)
            waited = True
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
        try:
            entry = await self._from_sql(organization, key)
        except asyncio.CancelledError:
            if self._claims.pop(claim.token, None) is not None:
                self._lose(claim)
            raise
        if entry is None:
            return claim
        await self.release(claim)
        return Found(entry=entry, waited=waited)

    def _lose(self, claim: Claim) -> None:
        """It may be set all the same, now or when Redis answers again, and nobody has it."""
        self._lost.append((perf_counter() + CLAIM_SECONDS, claim))

    def _is_lost(self, token: str) -> bool:
        """Whether a claim is this worker's, and nobody has it: of a worker's calls one asks for a key at a time."""
        return token.startswith(f"{self._worker}-") and token not in self._claims

    def offer(self, claim: Claim | None, led: Led) -> None:
        """A stream of this worker's to others, if it has the claim."""
        if self.relay is not None and claim is not None and claim.token in self._claims:
            self.relay.offer(claim, led)

    def received(self, claim: Claim) -> AsyncIterator[bytes]:
        """The stream of who has the claim. Raises `BrokenOff`."""
        if self.relay is None:
            raise BrokenOff
        return self.relay.received(claim)

    async def awaited(self, claim: Claim) -> Entry | None:
        """What the other worker keeps of the answer when it is complete; None where it keeps nothing."""
        deadline = perf_counter() + _KEPT_WITHIN_SECONDS
        while self._hot is not None and perf_counter() < deadline:
            entry = await self.find(claim.organization, claim.key)
            if entry is not None:
                return entry
            if await self._hot.holder(claim.organization, claim.key) != claim.token:
                return await self.find(claim.organization, claim.key)
            await asyncio.sleep(_FIRST_PAUSE_SECONDS)
        return None

    async def release(self, claim: Claim) -> None:
        """It is there now, or will not come."""
        if self._claims.pop(claim.token, None) is not None and self._hot is not None:
            await self._hot.release(claim.organization, claim.key, claim.token)

    async def renew(self) -> None:
        """What this worker is about to get it is still about to get; what it has lost others may get."""
        if self._hot is None or not self._hot.up:
            return
        for claim in list(self._claims.values()):
            await self._hot.renew(claim.organization, claim.key, claim.token)
        for until, claim in list(self._lost):
            await self._hot.release(claim.organization, claim.key, claim.token)
            if perf_counter() > until and self._lost and self._lost[0][1] is claim:
                self._lost.popleft()

    def keep_near(self, organization: str, key: str, entry: Entry) -> None:
        self._recent.put(organization, key, entry)

    async def keep_far(self, organization: str, key: str, entry: Entry, claim: Claim | None = None) -> None:
        """In Redis and in the database; the ``claim`` on it is released."""
        if self._hot is None and self._cold is None:
            return
        if len(entry.body) > _LARGE:
            packed = await asyncio.to_thread(pack, entry, key=key, secret=self._secret)
        else:
            packed = pack(entry, key=key, secret=self._secret)
        if self._cold is not None:
            self._cold.put(
                Row(
                    organization=organization,
                    key=key,
                    model=entry.model[:_LONGEST_MODEL].replace("\0", ""),
                    created_ms=entry.created_ms,
                    size=len(packed),
                    packed=packed,
                    expires_ms=self._expires(entry),
                )
            )
        if self._hot is not None:
            token = "" if claim is None or self._claims.pop(claim.token, None) is None else claim.token
            await self._hot.put(organization, key, packed, seconds=self._left(entry), token=token)

    async def _unpacked(self, packed: bytes | None, layer: Layer, organization: str, key: str) -> Entry | None:
        """None for what is not an entry of ours, or not this one: it is deleted where it was found."""
        if packed is None:
            return None
        try:
            if len(packed) > _LARGE:
                return await asyncio.to_thread(unpack, packed, key=key, secret=self._secret)
            return unpack(packed, key=key, secret=self._secret)
        except Unreadable as error:
            self.unreadable[layer] += 1
            log.warning("an answer kept in %s is not given and is deleted: %s", layer, error)
        await self._delete(layer, organization, key)
        return None

    async def _delete(self, layer: Layer, organization: str, key: str) -> None:
        if layer == "redis" and self._hot is not None:
            await self._hot.drop(organization, key)
        elif self._cold is not None:
            await self._cold.drop(organization, key)

    def _expires(self, entry: Entry) -> int | None:
        return None if entry.seconds is None else entry.created_ms + int((entry.seconds + self._grace) * 1000)

    def _left(self, entry: Entry) -> int | None:
        """Seconds for which it is of use."""
        return None if entry.seconds is None else int(entry.seconds + self._grace) - entry.age(self._now())
