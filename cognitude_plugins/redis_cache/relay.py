"""The stream of a call that another worker makes, for those who wait for it here: through Redis, if somebody does."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from time import monotonic
from typing import Any, Final, Protocol, cast

from .hot import Claim, Hot

_LOOK_SECONDS: Final = 0.2
"""How often is asked whether a stream that is under way here is wanted elsewhere."""
_GATHER_SECONDS: Final = 0.01
"""What comes within it goes in one piece."""
_READ_SECONDS: Final = 0.02
_QUIET_SECONDS: Final = 1.0
"""After which is asked whether the other worker is still there."""
_MAC_BYTES: Final = 16
_MORE: Final = b"+"
_END: Final = b"."


class BrokenOff(Exception):
    """The rest of a stream does not come."""


class Led(Protocol):
    """A call of this worker's."""

    @property
    def landed(self) -> bool: ...

    def followed(self) -> AsyncIterator[bytes]: ...


class Relay:
    """``secret`` signs what is sent: each piece belongs to one claim and one place in its stream."""

    def __init__(self, hot: Hot, *, secret: bytes) -> None:
        self._hot = hot
        self._secret = secret
        self._offered: dict[Claim, Led] = {}
        self._looking: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        tasks = [*self._sending, *([] if self._looking is None else [self._looking])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def offer(self, claim: Claim, led: Led) -> None:
        """A stream that others may want from its beginning, while it is under way."""
        self._offered[claim] = led
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while self._offered:
            await asyncio.sleep(_LOOK_SECONDS)
            for claim in [claim for claim, led in self._offered.items() if led.landed]:
                del self._offered[claim]
            for claim in await self._hot.wanted(list(self._offered)):
                self._start(claim, self._offered.pop(claim).followed)

    def _start(self, claim: Claim, followed: Callable[[], AsyncIterator[bytes]]) -> None:
        task = asyncio.get_running_loop().create_task(self._send(claim, followed()))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, claim: Claim, chunks: AsyncIterator[bytes]) -> None:
        number = 0
        async with aclosing(cast(Any, chunks)):
            async for chunk in chunks:
                if not await self._put(claim, number, _MORE + chunk):
                    return
                number += 1
                await asyncio.sleep(_GATHER_SECONDS)
        await self._put(claim, number, _END)

    async def _put(self, claim: Claim, number: int, piece: bytes) -> bool:
        return await self._hot.append(claim.organization, claim.key, self._mac(claim, number, piece) + piece, number)

    async def received(self, claim: Claim) -> AsyncIterator[bytes]:
        """What the holder of the claim sends. Raises `BrokenOff`."""
        number, heard = 0, monotonic()
        while True:
            pieces = await self._hot.pieces(claim.organization, claim.key, number)
            for sealed in pieces:
                piece = sealed[_MAC_BYTES:]
                if not hmac.compare_digest(sealed[:_MAC_BYTES], self._mac(claim, number, piece)):
                    raise BrokenOff
                if piece[:1] == _END:
                    return
                yield piece[1:]
                number += 1
            if pieces:
                heard = monotonic()
            elif monotonic() - heard > _QUIET_SECONDS:
                heard = monotonic()
                held = await self._hot.holder(claim.organization, claim.key) == claim.token
                if not held and not await self._hot.pieces(claim.organization, claim.key, number):
                    raise BrokenOff
            await asyncio.sleep(_READ_SECONDS)

    async def begun(self, claim: Claim) -> bool:
        """Whether the holder of the claim sends already: what is there may be an older stream's."""
        pieces = await self._hot.pieces(claim.organization, claim.key, 0)
        if not pieces:
            return False
        sealed = pieces[0]
        return hmac.compare_digest(sealed[:_MAC_BYTES], self._mac(claim, 0, sealed[_MAC_BYTES:]))

    def _mac(self, claim: Claim, number: int, piece: bytes) -> bytes:
        place = f"{claim.organization}\n{claim.key}\n{claim.token}\n{number}\n".encode()
        return hmac.digest(self._secret, place + piece, "sha256")[:_MAC_BYTES]
