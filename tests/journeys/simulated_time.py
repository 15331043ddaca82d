"""Minutes of a clock that nobody waits for: evaluations by processes that run twice, come late and die in the middle.

A process is whatever evaluates one minute; `Minutes` runs one after the other, as the scheduler does, and now and then
as it does when something goes wrong. What was sent is the same, or a promise is broken.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, select

from cognitude_plugins.alert_channels.delivery.packed import unpacked
from cognitude_plugins.alert_channels.tables import AlertOutbox
from hooks import EVERY_ORGANIZATION, Database, Message, Sums
from hooks.testing import FakeCall, FakeLedger

T = TypeVar("T")
Process = Callable[[datetime], Awaitable[object]]

MINUTE: Final = timedelta(minutes=1)
_OUTBOX: Final[Any] = AlertOutbox.__table__  # type: ignore[attr-defined]


class Died(BaseException):
    """The process is gone."""


class Mortal:
    """A `Database` whose process dies at one of its writes: before it, or after it was committed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.left: int | None = None
        self.committed = False

    async def read(self, organization: str, work: Callable[[Connection], T], *, patient: bool = False) -> T:
        return await self._database.read(organization, work, patient=patient)

    async def write(self, organization: str, work: Callable[[Connection], T]) -> T:
        if self.left is None:
            return await self._database.write(organization, work)
        self.left -= 1
        if self.left < 0 and not self.committed:
            raise Died
        written = await self._database.write(organization, work)
        if self.left < 0:
            raise Died
        return written


class KnownCalls(FakeLedger):
    """All calls of the time, of which each question sees those that had arrived: found by their time."""

    def __init__(self, *calls: FakeCall) -> None:
        super().__init__(*sorted(calls, key=attrgetter("at")))
        self._times = [call.at for call in self.made]

    async def usage(
        self, organization: str, *, since: datetime, until: datetime | None = None, **asked: Any
    ) -> tuple[Sums, ...]:
        last = len(self.made) if until is None else bisect_left(self._times, until)
        some = FakeLedger(*self.made[bisect_left(self._times, since) : last])
        return await some.usage(organization, since=since, until=until, **asked)


@dataclass(kw_only=True)
class Minutes:
    """``process`` makes one that works with this database. Each ``trouble`` in so many minutes on average."""

    database: Database
    process: Callable[[Database], Process]
    trouble: int = 8
    dice: random.Random = field(default_factory=lambda: random.Random(8))

    async def run(self, start: datetime, count: int) -> None:
        """The ``count`` minutes from ``start`` on."""
        mortal = Mortal(self.database)
        one = self.process(mortal)
        for number in range(count):
            due = start + number * MINUTE
            match self.dice.randrange(4 * self.trouble):
                case 0:
                    # It dies, and another one takes the tick over.
                    mortal.left, mortal.committed = self.dice.randrange(3), self.dice.random() < 0.5
                    try:
                        await one(due)
                    except Died:
                        mortal = Mortal(self.database)
                        one = self.process(mortal)
                        await one(due)
                    mortal.left = None
                case 1:
                    await one(due)
                    await self.process(self.database)(due)
                case 2:
                    await one(due)
                    # One that was thought dead is still at an old minute.
                    await self.process(self.database)(due - self.dice.randrange(1, 60) * MINUTE)
                case _:
                    await one(due)


async def outbox(database: Database) -> list[tuple[datetime, str, Message]]:
    """When it was due, to which channel, what: in that order."""

    def work(connection: Connection) -> Iterator[tuple[datetime, str, Message]]:
        rows = connection.execute(select(_OUTBOX)).mappings().all()
        found = [(row["due_ms"], row["channel"], row["message"], row["id"]) for row in rows]
        epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
        return iter(
            [
                (epoch + timedelta(milliseconds=due), channel, unpacked(id, message))
                for due, channel, message, id in sorted(found, key=itemgetter(0, 1, 3))
            ]
        )

    return list(await database.read(EVERY_ORGANIZATION, work))
