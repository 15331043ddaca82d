"""Carries the calls of the script to Redis: all that wait, in one write on one connection, and their replies back."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Final

from redis.exceptions import NoScriptError

from .errand import Errand
from .line import LOST, Line, Overdue, Reply, Unsent, read_only

log: Final = logging.getLogger("cognitude.limiter")

_PATIENCE_SECONDS: Final = 2.0
"""How long a late reply is waited for: what was counted after all is then known."""
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 1.0
_FLUSH_SECONDS: Final = 1.0
_BETWEEN_WARNINGS_SECONDS: Final = 10.0
_GRACE_SECONDS: Final = 0.002
"""The end of a call's wait: if this process stood still until then, what has come is read first."""
_MOST_AT_ONCE: Final = 256
_MOST_WAITING: Final = 10_000


class Courier:
    """``up`` is whether it is worth to wait for it. ``timeout`` in seconds. ``back`` is given the server's time when
    it answers again, or 0, and makes what is sent before anything else; ``told`` is why it went down, or empty when it
    is up.

    It is a breaker with one probe: while it is down nothing is sent but what waits for a late reply, and then one
    connection after the other.
    """

    def __init__(
        self, line: Line, timeout: float, *, back: Callable[[int], Sequence[Errand]], told: Callable[[str], None]
    ) -> None:
        self.up = False
        self.dropped = 0
        self._line = line
        self._timeout = timeout
        self._back = back
        self._told = told
        self._waiting: deque[Errand] = deque()
        self._refused: deque[Errand] = deque()
        self._on_the_way = False
        self._awake = asyncio.Event()
        self._tried = asyncio.Event()
        self._stopped = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle
        self._pause = _FIRST_PAUSE_SECONDS
        self._quiet_until = 0.0

    async def start(self) -> None:
        """Connected, if the first attempt succeeds; it goes on trying if not."""
        self._go()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._tried.wait()

    async def stop(self) -> None:
        """What is to be kept is sent, if Redis takes it within a second."""
        self._try_again()
        deadline = monotonic() + _FLUSH_SECONDS
        while (self._on_the_way or (self.up and self._waiting)) and monotonic() < deadline:
            await asyncio.sleep(0.005)
        self.up, self._stopped = False, True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._leave()
        await self._close()

    def take(self, errand: Errand) -> None:
        """To be sent with the next that leave. While it is down only what is kept may be given."""
        if len(self._waiting) >= _MOST_WAITING:
            self._drop(self._waiting.popleft())
        self._waiting.append(errand)
        self._awake.set()

    async def _run(self) -> None:
        while True:
            await self._close()
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    now = await self._line.open()
                    await self._carry(self._back(now))
                self._rise()
                self._tried.set()
                await self._serve()
            except LOST as error:
                self._fall(error)
            self._tried.set()
            await self._rest()

    async def _serve(self) -> None:
        while True:
            if not self._waiting:
                self._awake.clear()
                await self._awake.wait()
            await self._carry(self._next())
            await self._recover()
            self._pause = _FIRST_PAUSE_SECONDS

    async def _recover(self) -> None:
        """It has answered late. One that always does would make calls wait again and again: it has to be in time."""
        while not self.up:
            began = monotonic()
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._line.load()
            if monotonic() - began < self._timeout:
                await self._carry(self._back(0))
                self._rise()
            else:
                await self._rest()
                await self._carry(self._next())

    async def _rest(self) -> None:
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)

    def _next(self) -> Sequence[Errand]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]

    async def _carry(self, batch: Sequence[Errand]) -> None:
        """Sent, and told their replies. Raises one of `LOST`, with everything told that it is."""
        if not batch:
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._timeout - _GRACE_SECONDS, self._nearly_overdue, batch)
        left, self._on_the_way = batch, True
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                left = self._tell(left, await self._line.send([errand.command for errand in left]))
                if left:
                    await self._line.load()
                    left = self._tell(left, await self._line.send([errand.command for errand in left]))
        finally:
            self._on_the_way = False
            self._timer.cancel()
            self._lose(left)

    def _tell(self, batch: Sequence[Errand], replies: Sequence[Reply]) -> list[Errand]:
        """Each its reply. Those are left for which the script was not there."""
        left: list[Errand] = []
        for errand, reply in zip(batch, replies, strict=True):
            if not isinstance(reply, Exception):
                errand.done(reply)
            elif isinstance(reply, NoScriptError):
                left.append(errand)
            elif isinstance(reply, Overdue):
                errand.lost()
                reply.later(partial(self._came, errand))
            else:
                self._failed(errand, reply)
        if any(read_only(reply) for reply in replies):
            raise ConnectionError("it is a replica now")
        return left

    def _came(self, errand: Errand, reply: Reply) -> None:
        if not isinstance(reply, Exception):
            errand.done(reply)
        elif errand.again or (errand.kept and isinstance(reply, NoScriptError)):
            self.take(errand)

    def _failed(self, errand: Errand, error: Exception) -> None:
        """Refused by a server that answers, or of a cluster whose other nodes have answered."""
        now = monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _BETWEEN_WARNINGS_SECONDS
            log.warning("a call of the limiter's script failed in Redis: %s", error)
        if not (errand.again or (errand.kept and isinstance(error, Unsent))):
            errand.lost()
            return
        if not self._refused:
            asyncio.get_running_loop().call_later(_LONGEST_PAUSE_SECONDS, self._try_again)
        elif len(self._refused) >= _MOST_WAITING:
            self._drop(self._refused.popleft())
        self._refused.append(errand)

    def _try_again(self) -> None:
        refused, self._refused = self._refused, deque()
        for errand in refused:
            self.take(errand)

    def _nearly_overdue(self, batch: Sequence[Errand]) -> None:
        self._timer = asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._overdue, batch)

    def _overdue(self, batch: Sequence[Errand]) -> None:
        """Nobody waits any longer: not for these, and not for those behind them."""
        self._fall(TimeoutError(f"no answer within {self._timeout:g} s"))
        for errand in batch:
            errand.late = True
            errand.lost()

    def _lose(self, batch: Sequence[Errand]) -> None:
        for errand in batch:
            if errand.again:
                self.take(errand)
            elif not errand.late:
                errand.lost()

    def _fall(self, error: BaseException) -> None:
        if self.up:
            self.up = False
            self._told(str(error) or type(error).__name__)
        self._leave()

    def _leave(self) -> None:
        """Nobody need wait while nothing is sent."""
        gone = [errand for errand in self._waiting if not errand.kept]
        self._waiting = deque(errand for errand in self._waiting if errand.kept)
        for errand in gone:
            errand.lost()

    def _drop(self, errand: Errand) -> None:
        self.dropped += errand.kept
        errand.lost()

    def _rise(self) -> None:
        if not self.up:
            self.up = True
            self._told("")

    async def _close(self) -> None:
        with suppress(*LOST):
            await self._line.close()

    def _go(self) -> None:
        if not self._stopped:
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Of an error that was not foreseen: nobody shall wait for what does not run, and it is begun again."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("what carries the limiter's calls to Redis failed; it is begun again", exc_info=error)
            self._fall(error)
            asyncio.get_running_loop().call_later(_LONGEST_PAUSE_SECONDS, self._go)
