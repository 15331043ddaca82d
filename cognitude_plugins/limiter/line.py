"""The way to Redis: one connection, or those of a cluster, over which calls of the script go and replies come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from hooks import Redis

from .packing import Command

SCRIPT: Final = (Path(__file__).parent / "script.lua").read_text()

LOST: Final = (RedisError, OSError, TimeoutError, asyncio.IncompleteReadError, RuntimeError)
"""What a connection that does not work raises; uvloop a RuntimeError where the other end has closed it."""


class Unsent(ConnectionError):
    """Certainly not carried out."""


class Overdue(ConnectionError):
    """No reply in time; it may come yet."""

    def __init__(self, message: str, coming: asyncio.Future[list[Reply]], place: int) -> None:
        super().__init__(message)
        self._coming = coming
        self._place = place

    def later(self, told: Callable[[Reply], None]) -> None:
        """With the reply, or the exception that there was instead."""
        self._coming.add_done_callback(lambda coming: told(coming.result()[self._place]))


Reply = Any
"""A list of numbers, or the exception that stands in its place."""


class Line(Protocol):
    """A connection, or those of a cluster."""

    async def open(self) -> int:
        """With the script loaded. Raises one of `LOST`; the server's time in milliseconds since 1970."""
        ...

    async def send(self, commands: Sequence[Command]) -> Sequence[Reply]:
        """Raises one of `LOST` when no further reply will come; what the server refuses stands among the replies."""
        ...

    async def load(self) -> None:
        """The script, which the server has forgotten."""
        ...

    async def close(self) -> None: ...


class Wire:
    """One of redis-py's connections, without its client's way around each command."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._sha = ""

    async def open(self) -> int:
        """The server's time in milliseconds since 1970; the script is there then."""
        await self._connection.connect()
        # Timed by the courier: by a task for each read and write it would cost as much as the rest.
        self._connection.socket_timeout = None
        seconds, micros = await self._ask("TIME")
        await self.load()
        return int(seconds) * 1000 + int(micros) // 1000

    async def load(self) -> None:
        self._sha = await self._ask("SCRIPT", "LOAD", SCRIPT)

    async def send(self, commands: Sequence[Command]) -> list[Reply]:
        return await self._asked(*(("EVALSHA", self._sha, len(keys), *keys, *argv) for keys, argv in commands))

    async def close(self) -> None:
        await self._connection.disconnect(nowait=True)

    async def _ask(self, *command: Any) -> Reply:
        (reply,) = await self._asked(command)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def _asked(self, *commands: tuple[Any, ...]) -> list[Reply]:
        """A reply for each, also for those behind one that the server refuses: they have been carried out."""
        connection = self._connection
        await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        replies: list[Reply] = []
        for _ in commands:
            try:
                replies.append(await connection.read_response(disable_decoding=True))
            except ResponseError as error:
                replies.append(error)
        return replies


class Single:
    """The line to one server: the one there is, or the one the Sentinels call the master."""

    def __init__(self, redis: Redis, timeout: float) -> None:
        self._redis = redis
        self._timeout = timeout
        self._client: Any = None
        self._wire: Wire | None = None

    async def open(self) -> int:
        self._client = self._redis.client(timeout=max(self._timeout, 0.1))
        self._wire = Wire(await self._client.connection_pool.get_connection())
        return await self._wire.open()

    async def load(self) -> None:
        await self._opened.load()

    async def send(self, commands: Sequence[Command]) -> Sequence[Reply]:
        return await self._opened.send(commands)

    async def close(self) -> None:
        """May be cancelled, and is then done with the next."""
        if self._wire is not None:
            await self._wire.close()
        if self._client is not None:
            await self._client.aclose()
        self._wire = self._client = None

    @property
    def _opened(self) -> Wire:
        if self._wire is None:
            raise Unsent("not connected")
        return self._wire


def read_only(reply: Reply) -> bool:
    """What a script that could not write is answered: by Redis 7 as such, before that within another error."""
    return isinstance(reply, ReadOnlyError) or (isinstance(reply, Exception) and "READONLY" in str(reply))
