"""Sends what is due: claims it, tries once, writes down how it went; one slow receiver holds up no other."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from random import random
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from hooks import EVERY_ORGANIZATION, Channel, Database, Message, Outbound, Pace, Receipt, Unavailable

from ..changes import next_number
from ..channels import stored
from ..channels.directory import Directory, Known
from ..channels.forms import hushed
from ..channels.wording import one_line, shortened
from . import clock, outbox, pace
from .outbox import Claimed

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST: Final = 24
"""At once in one process."""
FEW: Final = 4
"""Of them to one channel."""
SHARE: Final = 8
"""Of them that are begun at once of one organization, which has no more than twice as many under way."""

_CLAIMS: Final = 3
"""The times that an attempt may take before a claim runs out."""
_MOST_DETAIL: Final = 300
_PATIENCE_SECONDS: Final = 2.0
_WRITES: Final = 4

log: Final = logging.getLogger("cognitude.alert_channels")


class Courier:
    """``now`` is the clock on the wall; ``jitter`` gives numbers in 0 … 1.

    What is due, and how long a claim lasts, goes by the database's clock: one whose own is wrong sends nothing early,
    and nothing that another one has begun to send.
    """

    def __init__(
        self,
        directory: Directory,
        database: Database,
        outbound: Outbound,
        *,
        timeout: float,
        now: Callable[[], datetime],
        jitter: Callable[[], float] = random,
    ) -> None:
        self._directory = directory
        self._database = database
        self._outbound = outbound
        self._timeout = timeout
        self._now = now
        self._jitter = jitter
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: dict[str, Claimed] = {}
        self._cut_off: list[Claimed] = []
        self._stopped = False
        self._away = False
        self._ahead_ms = 0

    def now_ms(self) -> int:
        """By the database's clock, as it was last seen."""
        return round(self._now().timestamp() * 1000) + self._ahead_ms

    async def round(self) -> int:
        """Begin to send what is due, and return how many that are. Does not wait until they are sent."""
        room = MOST - len(self._tasks)
        if room <= 0 or self._stopped:
            return 0
        try:
            found = await self._claim(room)
        except Unavailable as error:
            if not self._away:
                log.warning("messages are not sent for now: %s", error)
            self._away = True
            return 0
        self._away = False
        for one in found:
            self._under_way[one.message.id] = one
            task = asyncio.create_task(self._deliver(one), name=f"deliver {one.message.id}")
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return len(found)

    async def idle(self, seconds: float) -> None:
        """Until what was begun has ended, or so long."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=seconds)

    async def stop(self) -> None:
        """What is not sent within two seconds is given back: another process sends it, maybe a second time."""
        self._stopped = True
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=_PATIENCE_SECONDS)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._cut_off:
            # Or else the claims run out.
            with suppress(Unavailable):
                await self._database.write(
                    EVERY_ORGANIZATION,
                    lambda connection: [outbox.give_back(connection, one) for one in self._cut_off],
                )

    async def attempt(self, known: Known, one: Claimed) -> Receipt:
        """Try once, whether the channel is enabled or not. Never raises: what its type does wrong is a receipt too."""
        if known.channel is None:
            return Receipt(delivered=False, detail=known.problem or "the channel cannot be used")
        sent = _sent(known.channel, one.message, self._outbound, self._now())
        task = asyncio.ensure_future(sent)
        try:
            await asyncio.wait({task}, timeout=self._timeout)
        finally:
            late = not task.done()
            task.cancel()
        if late:
            # It may take a moment to be cancelled, or refuse to be.
            await asyncio.wait({task}, timeout=1.0)
        found = _outcome(task)
        if late:
            return Receipt(delivered=False, detail=f"timeout: it was not sent within {self._timeout:g} s")
        if not isinstance(found, Receipt):
            # Not its text, which may have a secret in it.
            return Receipt(delivered=False, detail=f"the type of channel {known.type} failed with {found}")
        return found

    async def free(self, known: Known) -> int | None:
        """None if its receiver takes something now; or else when to ask again, in milliseconds since 1970."""
        paced = _pace(known)
        if paced is None:
            return None
        every, now_ms = _milliseconds(paced.every), self.now_ms()
        return await self._database.write(
            EVERY_ORGANIZATION, lambda connection: pace.take(connection, paced.of, every_ms=every, now_ms=now_ms)
        )

    async def _claim(self, room: int) -> Sequence[Claimed]:
        name = token_hex(8)
        busy = {one.channel for one in self._under_way.values()}
        counted = Counter(one.message.organization for one in self._under_way.values())
        full = [name for name, count in counted.items() if count >= SHARE]

        def look(connection: Connection) -> tuple[int, bool]:
            now_ms = clock.now_ms(connection)
            return now_ms, outbox.waits(connection, now_ms)

        def work(connection: Connection) -> Sequence[Claimed]:
            now_ms = clock.now_ms(connection)
            until_ms = now_ms + round(_CLAIMS * self._timeout * 1000)
            return outbox.claim(
                connection,
                claim=name,
                now_ms=now_ms,
                until_ms=until_ms,
                most=room,
                of_one_channel=FEW,
                of_one_organization=SHARE,
                without=busy,
                without_organizations=full,
            )

        # Most of the time there is nothing: to see that, nobody has to wait for a turn to write.
        asked_ms = self.now_ms()
        now_ms, waits = await self._database.read(EVERY_ORGANIZATION, look)
        self._ahead_ms += now_ms - (asked_ms + self.now_ms()) // 2
        return await self._database.write(EVERY_ORGANIZATION, work) if waits else ()

    async def _deliver(self, one: Claimed) -> None:
        try:
            await self._settle(one)
        except Unavailable as error:
            log.warning("how a message was sent is not written down, so that it is sent again: %s", error)
        except asyncio.CancelledError:
            self._cut_off.append(one)
            raise
        finally:
            del self._under_way[one.message.id]

    async def _settle(self, one: Claimed) -> None:
        known = await self._known(one.channel)
        began_ms = self.now_ms()
        if known is None:
            receipt = Receipt(delivered=False, detail="there is no such channel here")
        elif known.gone is not None or not known.enabled:
            receipt = Receipt(delivered=False, detail="the channel is switched off", retry=False)
        else:
            later_ms = await self.free(known)
            if later_ms is not None:
                await self._write(lambda connection: outbox.give_back(connection, one, due_ms=later_ms))
                return
            began_ms = self.now_ms()
            receipt = await self.attempt(known, one)
        receipt = clean(receipt, known)
        await self._write(lambda connection: self._record(connection, one, known, receipt, began_ms))
        if receipt.gone:
            await self._directory.refresh()

    def _record(
        self, connection: Connection, one: Claimed, known: Known | None, receipt: Receipt, began_ms: int
    ) -> None:
        now_ms = self.now_ms()
        if receipt.gone:
            # First, as everybody does who changes channels: or two would wait for each other.
            next_number(connection)
        state = outbox.settle(connection, one, receipt, began_ms=began_ms, now_ms=now_ms, jitter=self._jitter())
        if state is None or known is None:
            return
        if receipt.gone:
            stored.set_gone(connection, known.target.organization, known.id, why=receipt.detail, now_ms=now_ms)
        paced = _pace(known)
        if paced is not None and receipt.after is not None:
            pace.hold(connection, paced.of, until_ms=now_ms + _milliseconds(receipt.after))
        if state == "failed":
            log.warning("a message to the channel %s is given up: %s", one.channel, receipt.detail)

    async def _known(self, channel: str) -> Known | None:
        """Also one that was made a moment ago in another process."""
        known = self._directory.find(channel)
        if known is None:
            await self._directory.refresh()
        return known or self._directory.find(channel)

    async def _write(self, work: Callable[[Connection], object]) -> None:
        """What was sent is to be written down, and a database that is away comes back."""
        for left in reversed(range(_WRITES)):
            try:
                await self._database.write(EVERY_ORGANIZATION, work)
                return
            except Unavailable:
                if not left:
                    raise
                await asyncio.sleep(self._timeout / 30)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("a message could not be dealt with: %s", type(error).__name__)


def clean(receipt: Receipt, known: Known | None) -> Receipt:
    """Its detail in one line, and without the channel's secrets whatever its type has put there."""
    detail = shortened(one_line(hushed(receipt.detail, None if known is None else known.settings)), _MOST_DETAIL)
    return Receipt(
        delivered=receipt.delivered,
        detail=detail,
        status=receipt.status,
        retry=receipt.retry,
        after=receipt.after,
        gone=receipt.gone,
    )


async def _sent(channel: Channel, message: Message, outbound: Outbound, now: datetime) -> Receipt:
    """So that a type whose `send` is no coroutine, or fails before it is one, fails as any other."""
    return await channel.send(message, outbound, now=now)


def _outcome(task: asyncio.Future[Receipt]) -> Receipt | str | None:
    """What it has come to, or the kind of what it raised."""
    if not task.done():
        return None
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is not None:
        return type(error).__name__
    found: object = task.result()
    return found if isinstance(found, Receipt) else f"a {type(found).__name__} in place of a Receipt"


def _pace(known: Known) -> Pace | None:
    found = getattr(known.channel, "pace", None)
    return found if isinstance(found, Pace) else None


def _milliseconds(time: timedelta) -> int:
    return round(time.total_seconds() * 1000)
