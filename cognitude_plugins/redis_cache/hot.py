"""The answers kept in Redis: shared by all workers and machines, each for a day or so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from redis.exceptions import RedisError, ResponseError

from hooks import Redis, Unavailable

from . import scripts

log: Final = logging.getLogger("cognitude.redis_cache")

PREFIX: Final = "cognitude:cache"
_LOST: Final = (RedisError, OSError, TimeoutError, RuntimeError)
"""What a connection that does not work raises; uvloop a RuntimeError where the other end has closed it."""
CLAIM_SECONDS: Final = 3.0
"""For how long a claim holds without being renewed: what a worker that died was about to ask another then asks."""
_WANTED_SECONDS: Final = 2.0
"""For how long a stream counts as wanted by other workers."""
_PIECES_SECONDS: Final = 30.0
"""For how long the last piece of a stream is there."""
_PROBE_SECONDS: Final = 1.0
_SWEEP_SECONDS: Final = 5.0
_SCANNED: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to get an answer, until it is released."""

    organization: str
    key: str
    token: str


class Hot:
    """While Redis does not answer nobody waits for it: one task asks it every second whether it is there again.

    ``timeout`` in seconds is how long a call waits, ``ttl`` how long an answer is kept. Nothing here raises but
    `remove` and `every`, which raise `Away`.
    """

    def __init__(self, redis: Redis, *, timeout: float, ttl: int) -> None:
        self._redis = redis
        self._client: Any = redis.client(timeout=timeout)
        self._ttl = ttl
        self._probe: asyncio.Task[None] | None = None
        self.refused = 0

    @property
    def up(self) -> bool:
        return self._probe is None

    async def close(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        with suppress(*_LOST):
            await self._client.aclose()

    async def get(self, organization: str, key: str) -> bytes | None:
        if self._probe is not None:
            return None
        try:
            found: bytes | None = await self._client.get(_name(organization, key))
            return found
        except _LOST as error:
            self._fall(error)
            return None

    async def claim(
        self, organization: str, key: str, token: str, *, streamed: bool = False
    ) -> bytes | str | Literal[True] | None:
        """What is kept; else True when it is now for the caller to get it, or whose token stands for it, who is told
        when it is wanted ``streamed``. None when Redis is away, or takes no claim. One round trip.
        """
        if self._probe is not None:
            return None
        name = _name(organization, key)
        try:
            names = name, _claim(name), _wanted(name)
            times = int(CLAIM_SECONDS * 1000), int(streamed), int(_WANTED_SECONDS * 1000)
            found: bytes | int | list[bytes] = await self._client.eval(scripts.CLAIM, 3, *names, token, *times)
            if isinstance(found, list):
                return found[0].decode("latin-1")
            return found if isinstance(found, bytes) else True
        except ResponseError as error:
            # It is full, say, and has no room for a claim: what it has it still gives.
            self._refused(error)
            return await self.get(organization, key)
        except _LOST as error:
            self._fall(error)
            return None

    async def release(self, organization: str, key: str, token: str) -> None:
        """Others need not wait any longer."""
        await self._of_mine(scripts.RELEASE, organization, key, token)

    async def renew(self, organization: str, key: str, token: str) -> None:
        await self._of_mine(scripts.RENEW, organization, key, token, int(CLAIM_SECONDS * 1000))

    async def wanted(self, claims: Sequence[Claim]) -> list[Claim]:
        """Those whose streams others wait for."""
        if self._probe is not None or not claims:
            return []
        names = [_wanted(_name(claim.organization, claim.key)) for claim in claims]
        try:
            if self._redis.cluster:
                tokens = await asyncio.gather(*(self._client.get(name) for name in names))
            else:
                tokens = await self._client.mget(names)
        except _LOST as error:
            self._fall(error)
            return []
        return [claim for claim, token in zip(claims, tokens, strict=True) if token == claim.token.encode()]

    async def append(self, organization: str, key: str, piece: bytes, number: int) -> bool:
        """Another piece of a stream, the first of which is 0; whether it is there."""
        name = _stream(_name(organization, key))
        sent = await self._told(self._client.eval, scripts.APPEND, 1, name, number, piece, int(_PIECES_SECONDS * 1000))
        return sent is not None

    async def pieces(self, organization: str, key: str, number: int) -> Sequence[bytes]:
        """Those of a stream from this one on."""
        return await self._told(self._client.lrange, _stream(_name(organization, key)), number, -1) or ()

    async def holder(self, organization: str, key: str) -> str | None:
        """The token of whoever has the claim."""
        found: bytes | None = await self._told(self._client.get, _claim(_name(organization, key)))
        return None if found is None else found.decode("latin-1")

    async def put(
        self, organization: str, key: str, packed: bytes, *, seconds: int | None = None, token: str = ""
    ) -> None:
        """For ``seconds`` if that is less than the time to live. A claim with this ``token`` is released with it."""
        if self._probe is not None:
            return
        ttl = self._ttl if seconds is None else max(1, min(seconds, self._ttl))
        name = _name(organization, key)
        try:
            if token:
                await self._client.eval(scripts.KEEP, 2, name, _claim(name), packed, ttl, token)
            else:
                await self._client.set(name, packed, ex=ttl)
        except ResponseError as error:
            self._refused(error)
            if token:
                await self.release(organization, key, token)
        except _LOST as error:
            self._fall(error)

    async def drop(self, organization: str, key: str) -> None:
        """One that is of no use."""
        if self._probe is None:
            try:
                await self._client.unlink(_name(organization, key))
            except _LOST as error:
                self._fall(error)

    async def remove(self, organization: str, keys: Sequence[str]) -> None:
        """Raises `Away`."""
        client = self._redis.client(timeout=_SWEEP_SECONDS)
        try:
            for key in keys:
                await client.unlink(_name(organization, key))
        except _LOST as error:
            raise Away from error
        finally:
            await client.aclose()

    async def every(self, organization: str) -> AsyncIterator[tuple[str, bytes]]:
        """Key and bytes of all of an organization's. Raises `Away`."""
        async with aclosing(self._names(organization)) as names:
            async for client, name in names:
                try:
                    packed = await client.get(name)
                except _LOST as error:
                    raise Away from error
                if packed is not None:
                    yield name.decode().removeprefix(_start(organization)).removesuffix("}"), packed

    async def count(self, organization: str) -> int:
        """How many it has of an organization's: all keys of the server are looked through. Raises `Away`."""
        async with aclosing(self._names(organization)) as names:
            return len([name async for _, name in names])

    async def _names(self, organization: str) -> AsyncGenerator[tuple[Any, bytes], None]:
        client = self._redis.client(timeout=_SWEEP_SECONDS)
        pattern = f"{_literal(_start(organization))}*}}"
        try:
            async for name in client.scan_iter(match=pattern, count=_SCANNED):
                yield client, name
        except _LOST as error:
            raise Away from error
        finally:
            await client.aclose()

    async def info(self) -> dict[str, Any]:
        """What ``INFO`` says that an operator wants to know. Raises `Away`."""
        if self._probe is not None:
            raise Away
        try:
            found: dict[str, Any] = await self._client.info()
        except _LOST as error:
            self._fall(error)
            raise Away from error
        return found

    def _refused(self, error: BaseException) -> None:
        """It is there and does not take it: it is full, say. What it has it still gives."""
        self.refused += 1
        if self.refused & (self.refused - 1) == 0:
            log.warning("Redis does not keep an answer (%d so far): %s", self.refused, error)

    async def _told(self, operation: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """None also where Redis is away, or does not do it."""
        if self._probe is not None:
            return None
        try:
            return await operation(*arguments)
        except ResponseError as error:
            self._refused(error)
        except _LOST as error:
            self._fall(error)
        return None

    async def _of_mine(self, script: str, organization: str, key: str, *arguments: str | int) -> None:
        if self._probe is None:
            try:
                await self._client.eval(script, 1, _claim(_name(organization, key)), *arguments)
            except _LOST as error:
                self._fall(error)

    def _fall(self, error: BaseException) -> None:
        if self._probe is None:
            log.warning("the cache does without Redis for now: %s", str(error) or type(error).__name__)
            self._probe = asyncio.get_running_loop().create_task(self._ask())

    async def _ask(self) -> None:
        """Until it answers."""
        while True:
            await asyncio.sleep(_PROBE_SECONDS)
            with suppress(*_LOST):
                await self._client.ping()
                break
        self._probe = None
        log.info("the cache has Redis again")


class Away(Unavailable):
    """Redis does not answer."""

    service = "redis"


def _name(organization: str, key: str) -> str:
    """In a cluster each answer is for itself, wherever its key falls."""
    return f"{_start(organization)}{key}}}"


def _start(organization: str) -> str:
    """Of all names of an organization; what is in braces decides the slot."""
    return f"{PREFIX}:{organization}:{{"


def _claim(name: str) -> str:
    """In the same slot."""
    return f"{name}:claim"


def _wanted(name: str) -> str:
    return f"{name}:wanted"


def _stream(name: str) -> str:
    return f"{name}:stream"


def _literal(text: str) -> str:
    """As a pattern that is nothing but this."""
    return "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in text)
