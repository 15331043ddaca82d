"""Replies made of kept answers, and the headers that say where an answer comes from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, Literal, cast

import orjson

from hooks import Call, Payload, Reply

from .entry import Entry
from .flights import BROKEN, Flight, Landing
from .hot import Claim
from .layers import Layers
from .relay import BrokenOff
from .replay import replayed

State = Literal["hit", "stale"]

_NAME: Final = "cognitude"
"""Of the cache in ``Cache-Status`` (RFC 9211)."""
_HEADER: Final = "x-cognitude-cache"
MISS: Final[Mapping[str, str]] = {_HEADER: "miss", "cache-status": f"{_NAME}; fwd=miss"}
STORED: Final[Mapping[str, str]] = {_HEADER: "miss", "cache-status": f"{_NAME}; fwd=miss; stored"}
FORCED: Final[Mapping[str, str]] = {_HEADER: "bypass", "cache-status": f"{_NAME}; fwd=request"}
TOGETHER: Final = "coalesced"
"""In the ledger's ``route``: the answer of another call that was on its way."""
BYPASSED: Final[Mapping[str, str]] = {_HEADER: "bypass", "cache-status": f"{_NAME}; fwd=bypass"}
COALESCED: Final[Mapping[str, str]] = {_HEADER: "coalesced", "cache-status": f"{_NAME}; fwd=miss; collapsed"}
NOT_CACHED: Final = Reply.error(
    504,
    "No answer to this request is kept, and its Cache-Control is only-if-cached.",
    code="not_cached",
    headers={_HEADER: "miss", "cache-status": f"{_NAME}; fwd=miss", "x-should-retry": "false"},
)
"""RFC 9111, section 5.2.1.7. OpenAI's clients would try a 504 again."""


BAD_NAME: Final = Reply.error(
    400, "An Idempotency-Key has 1 to 255 printable characters.", code="invalid_value", param="Idempotency-Key"
)
OTHER_REQUEST: Final = Reply.error(
    422,
    "This Idempotency-Key came with another request within the last 24 hours; use a new one for this request.",
    code="idempotency_key_reused",
    param="Idempotency-Key",
)


def kept(call: Call, entry: Entry, *, age: int, left: float | None, stale: bool, pause: float) -> Reply:
    """A hit. ``age`` and ``left``, for how long it may still be given (negative if it is stale), in seconds; ``pause``
    between chunks too.
    """
    ttl = "" if left is None else f"; ttl={int(left)}"
    state: State = "stale" if stale else "hit"
    headers = {_HEADER: state, "cache-status": f"{_NAME}; hit{ttl}", "age": str(age)}
    if entry.about:
        headers["idempotency-replayed"] = "true"
    return _as_asked(call, entry, headers, pause)


def coalesced(call: Call, entry: Entry, *, pause: float) -> Reply:
    """The answer to another call."""
    return _as_asked(call, entry, COALESCED, pause)


def followed(call: Call, flight: Flight, key: str) -> Reply:
    """The stream of another call, from its beginning."""

    following = flight.followed()

    async def chunks() -> AsyncIterator[bytes]:
        async with aclosing(cast(Any, following)):
            async for chunk in following:
                yield chunk
        call.record(cache_key=key, saved_nano_usd=flight.cost_nano_usd, reason=TOGETHER)

    return Reply(headers=COALESCED, chunks=chunks())


def relayed(call: Call, flight: Flight, layers: Layers, claim: Claim, land: Callable[[Landing], None]) -> Reply:
    """The stream of another worker's call. Others here follow it, and get its answer when they want it whole."""
    kept: list[Entry] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            async with aclosing(cast(Any, layers.received(claim))) as received:
                async for chunk in received:
                    yield chunk
            entry = await layers.awaited(claim)
            kept.extend([] if entry is None else [entry])
        except BrokenOff:
            yield BROKEN

    def ended() -> None:
        entry = kept[0] if kept else None
        flight.cost_nano_usd = None if entry is None else entry.cost_nano_usd
        call.record(cache_key=claim.key, saved_nano_usd=flight.cost_nano_usd, reason=TOGETHER)
        land(Landing(entry=entry))

    return Reply(headers=COALESCED, chunks=flight.watched(chunks(), ended))


def _as_asked(call: Call, entry: Entry, headers: Mapping[str, str], pause: float) -> Reply:
    """As a stream or whole, whichever way it was kept."""
    if call.stream:
        body: dict[str, Any] = orjson.loads(entry.body)
        return Reply.stream(replayed(body, pause=pause), headers=headers)
    return Reply(headers=headers, payload=Payload(raw=entry.body, codec=call.payload.codec, usage=entry.usage))
