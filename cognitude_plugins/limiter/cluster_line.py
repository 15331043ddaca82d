"""The way to a Redis cluster: a connection to each of its masters, of which one may be away while the others serve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from redis.crc import key_slot
from redis.exceptions import MovedError, SlotNotCoveredError

from hooks import Redis

from .line import LOST, Overdue, Reply, Unsent, Wire
from .packing import Command

log: Final = logging.getLogger("cognitude.limiter")

_PATIENCE: Final = 0.9
"""Of the time that a call waits: what a node has not answered by then fails, so that the others' calls do not. What it
gets to later the script leaves alone."""
_GRACE_SECONDS: Final = 0.002
"""When this process stood still for that long itself, what has come is read first."""
_LATE_SECONDS: Final = 2.0
"""How long a late reply is waited for: what was counted after all is then known."""
_PAUSE_SECONDS: Final = 0.5
_OPEN_SECONDS: Final = 1.0


class Cluster:
    """Of the client only its map of the slots is used: each call is for one node, and what is for one node is written
    together. A node that does not answer takes only its organizations with it; in the background it is looked for,
    and asked who has its slots now.
    """

    def __init__(self, redis: Redis, timeout: float) -> None:
        self._redis = redis
        self._timeout = timeout
        self._client: Any = None
        self._nodes: dict[str, _Node] = {}
        self._mending: asyncio.Task[None] | None = None

    async def open(self) -> int:
        self._client = self._redis.client(timeout=max(self._timeout, 0.1))
        times = [time for time in await self._look() if time]
        if not times:
            raise ConnectionError("no node of the Redis cluster answers")
        self._mend()
        return max(times)

    async def load(self) -> None:
        """Into each, as it is not known which has forgotten it."""
        await asyncio.gather(*(node.reload(self._timeout) for node in self._nodes.values() if node.ready))

    async def send(self, commands: Sequence[Command]) -> Sequence[Reply]:
        replies: list[Reply] = [None] * len(commands)
        parts: dict[str, list[int]] = {}
        for place, (keys, _) in enumerate(commands):
            parts.setdefault(self._of(keys[0]), []).append(place)
        await asyncio.gather(*(self._send(name, places, commands, replies) for name, places in parts.items()))
        self._mend(moved="" in parts or any(isinstance(reply, MovedError) for reply in replies))
        return replies

    async def close(self) -> None:
        """May be cancelled, and is then done with the next."""
        if self._mending is not None:
            self._mending.cancel()
            await asyncio.gather(self._mending, return_exceptions=True)
        for node in self._nodes.values():
            await node.close()
        if self._client is not None:
            for which in ("nodes_cache", "startup_nodes"):
                await self._client.nodes_manager.aclose(which)
        self._mending, self._nodes, self._client = None, {}, None

    async def _send(self, name: str, places: list[int], commands: Sequence[Command], replies: list[Reply]) -> None:
        node = self._nodes.get(name)
        answers: Sequence[Reply]
        if node is None or not node.ready:
            answers = [Unsent(f"the node {name} of the Redis cluster is away")] * len(places)
        else:
            answers = await node.send([commands[place] for place in places], self._timeout * _PATIENCE)
        for place, answer in zip(places, answers, strict=True):
            replies[place] = answer

    def _of(self, key: str) -> str:
        """The name of the node; empty where none has the slot."""
        with suppress(SlotNotCoveredError, KeyError):
            return str(self._client.nodes_manager.get_node_from_slot(key_slot(key.encode())).name)
        return ""

    async def _look(self) -> list[int]:
        """Ask for the map, and open what is not. The time of each that was opened; 0 where that failed."""
        await self._client.nodes_manager.initialize()
        primaries = {node.name: node for node in self._client.get_primaries()}
        for name in [name for name in self._nodes if name not in primaries]:
            await self._nodes.pop(name).close()
        for name, node in primaries.items():
            self._nodes.setdefault(name, _Node(name, node))
        return await asyncio.gather(*(node.open(self._timeout) for node in self._nodes.values() if not node.ready))

    def _mend(self, moved: bool = False) -> None:
        """Until every slot has a node that answers."""
        if (moved or not self._whole()) and self._mending is None:
            self._mending = asyncio.get_running_loop().create_task(self._mended())

    async def _mended(self) -> None:
        whole = False
        while not whole:
            await asyncio.sleep(_PAUSE_SECONDS)
            with suppress(*LOST):
                await self._look()
                whole = self._whole()
        self._mending = None

    def _whole(self) -> bool:
        return all(node.ready for node in self._nodes.values())


class _Node:
    """``ready`` while it answers in time. What comes late is still read; only then is it asked anything else."""

    def __init__(self, name: str, node: Any) -> None:
        self.ready = False
        self._name = name
        self._node = node
        self._wire: Wire | None = None
        self._asked: asyncio.Future[list[Reply]] | None = None
        self._said = False

    async def open(self, seconds: float) -> int:
        """The server's time; 0 where it does not answer. Not ready when that takes more than ``seconds``: calls would
        wait in vain.
        """
        if self._asked is not None and not self._asked.done():
            return 0
        if self._wire is None:
            self._wire = Wire(self._node.acquire_connection())
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                time = await self._wire.open()
                began = monotonic()
                await self._wire.load()
        except LOST as error:
            await self._gone(error)
            return 0
        self.ready = monotonic() - began < seconds
        self._said = self._said and not self.ready
        return time

    async def send(self, commands: Sequence[Command], seconds: float) -> Sequence[Reply]:
        self._asked = asked = asyncio.ensure_future(self._ask(commands))
        for patience in (seconds, _GRACE_SECONDS):
            if not asked.done():
                await asyncio.wait((asked,), timeout=patience)
        if asked.done():
            return asked.result()
        self._away(TimeoutError(f"no answer within {seconds:g} s"))
        return [
            Overdue(f"the node {self._name} does not answer in time", asked, place) for place in range(len(commands))
        ]

    async def reload(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                if self._wire is not None:
                    await self._wire.load()
        except LOST as error:
            await self._gone(error)

    async def close(self) -> None:
        self.ready = False
        if self._wire is not None:
            with suppress(*LOST):
                await self._wire.close()
        if self._asked is not None:
            await asyncio.wait((self._asked,), timeout=_OPEN_SECONDS)

    async def _ask(self, commands: Sequence[Command]) -> list[Reply]:
        """Raises nothing: for each command its reply or an exception."""
        try:
            async with asyncio.timeout(_LATE_SECONDS):
                return await self._wire.send(commands) if self._wire else []
        except LOST as error:
            self._away(error)
            if self._wire is not None:
                with suppress(*LOST):
                    await self._wire.close()
            return [ConnectionError(f"the node {self._name} of the Redis cluster does not answer")] * len(commands)

    async def _gone(self, error: BaseException) -> None:
        self._away(error)
        await self.close()

    def _away(self, error: BaseException) -> None:
        self.ready = False
        if not self._said:
            self._said = True
            log.warning(
                "the node %s of the Redis cluster does not answer: %s", self._name, str(error) or type(error).__name__
            )
