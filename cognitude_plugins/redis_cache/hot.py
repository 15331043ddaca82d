"""The answers kept in Redis: shared by all workers and machines, each for a day or so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any, Final

from redis.exceptions import RedisError, ResponseError

from hooks import Redis, Unavailable

log: Final = logging.getLogger("cognitude.redis_cache")

PREFIX: Final = "cognitude:cache"
_LOST: Final = (RedisError, OSError, TimeoutError, RuntimeError)
"""What a connection that does not work raises; uvloop a RuntimeError where the other end has closed it."""
_CLAIM: Final = """
local kept = redis.call('GET', KEYS[1])
if kept then return kept end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
"""
_KEEP: Final = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
if redis.call('GET', KEYS[2]) == ARGV[3] then redis.call('DEL', KEYS[2]) end
"""
_RELEASE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_RENEW: Final = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
)
CLAIM_SECONDS: Final = 15.0
"""For how long a claim holds without being renewed: what a worker that died was about to ask another then asks."""
_PROBE_SECONDS: Final = 1.0
_SWEEP_SECONDS: Final = 5.0
_SCANNED: Final = 500


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

    async def claim(self, organization: str, key: str, token: str) -> bytes | bool | None:
        """What is kept; else whether it is now for the caller to get it: False while another one does. None when Redis
        is away. One round trip.
        """
        if self._probe is not None:
            return None
        name = _name(organization, key)
        try:
            found: bytes | int = await self._client.eval(
                _CLAIM, 2, name, _claim(name), token, int(CLAIM_SECONDS * 1000)
            )
            return found if isinstance(found, bytes) else bool(found)
        except _LOST as error:
            self._fall(error)
            return None

    async def release(self, organization: str, key: str, token: str) -> None:
        """Others need not wait any longer."""
        await self._of_mine(_RELEASE, organization, key, token)

    async def renew(self, organization: str, key: str, token: str) -> None:
        await self._of_mine(_RENEW, organization, key, token, int(CLAIM_SECONDS * 1000))

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
                await self._client.eval(_KEEP, 2, name, _claim(name), packed, ttl, token)
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


def _literal(text: str) -> str:
    """As a pattern that is nothing but this."""
    return "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in text)
