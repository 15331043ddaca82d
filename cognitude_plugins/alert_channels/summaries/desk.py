"""Sends summaries when they are due, each once, and on demand."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from hooks import EVERY_ORGANIZATION, Gateway, Message, Part, Tick, Unanswerable, Unavailable

from ..channels.target import Target
from ..local_days import today
from .due import GRACE, Kind, Span, due, span
from .settings import Summaries

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ..budgets.standing import Standing
    from .figures import Figures

log: Final = logging.getLogger("cognitude.alert_channels")


class Channels(Protocol):
    """The channels as last read."""

    def targets(self, organization: str) -> Sequence[Target]: ...

    def named(self, organization: str, name: str) -> Target | None: ...


Standings = Callable[[str], "Awaitable[Sequence[Standing]]"]


@dataclass(frozen=True, slots=True)
class _Open:
    gateway: Gateway
    channels: Channels
    standings: Standings


class Desk:
    """``now`` and ``new_id`` are for tests."""

    def __init__(
        self,
        settings: Summaries,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self.settings = settings
        self.now = now
        self._new_id = new_id
        self._there: _Open | None = None
        self._sent: set[Span] = set()

    @asynccontextmanager
    async def opened(self, gateway: Gateway, channels: Channels, standings: Standings) -> AsyncIterator[None]:
        """``standings`` are those of an organization's budgets."""
        self._there = _Open(gateway, channels, standings)
        try:
            yield
        finally:
            self._there = None

    @property
    def channels(self) -> Channels:
        return self._opened.channels

    async def run(self, tick: Tick) -> None:
        """The job of each minute."""
        if self._there is not None:
            await self.send_due(tick.due)

    async def send_due(self, now: datetime) -> None:
        """What cannot be made now is tried again in the next one. Raises `Unavailable`."""
        there = self._opened
        self._sent = {one for one in self._sent if one.until > now - timedelta(days=3)}
        wanted = [(one, self._wanting(one)) for one in self._due(now) if one not in self._sent]
        wanted = [(one, targets) for one, targets in wanted if targets]
        if not wanted:
            return
        keys = await there.gateway.database.read(
            EVERY_ORGANIZATION, lambda connection: _known(connection, {one.organization for one, _ in wanted}, now)
        )
        for one, targets in wanted:
            waiting = [target for target in targets if one.dedup_key(target.id) not in keys]
            try:
                if waiting:
                    await self._send(one, waiting, now)
                self._sent.add(one)
            except (Unavailable, Unanswerable) as error:
                log.warning("the %s summary of %s is not sent for now: %s", one.kind, one.organization, error)

    async def made(self, organization: str, kind: Kind, last: date | None) -> Message:
        """The summary of the days up to ``last``; without, of those before today."""
        zone, now = self._zone(organization), self.now()
        one = span(kind, organization, zone, last or today(now, zone) - timedelta(days=1))
        return await self._message(await self._figures(one), now)

    async def send(self, message: Message, target: Target) -> None:
        """At once, also where it was sent before."""
        key = f"{message.about}:{message.data['last']}:{target.id}:{self._new_id()}"
        await self._enqueue(message, {key: target}, self.now())

    def _due(self, now: datetime) -> Iterable[Span]:
        for organization in (*self._opened.gateway.organizations(), EVERY_ORGANIZATION):
            yield from due(self.settings, organization, self._zone(organization), now)

    def _wanting(self, one: Span) -> list[Target]:
        """Its own channels: the gateway's get the summary of all organizations, and no other."""
        found = self._opened.channels.targets(one.organization)
        return [each for each in found if each.organization == one.organization and one.kind in each.summaries]

    async def _send(self, one: Span, targets: Sequence[Target], now: datetime) -> None:
        found = await self._figures(one)
        if found.empty and not self.settings.empty:
            return
        message = await self._message(found, now)
        await self._enqueue(message, {one.dedup_key(target.id): target for target in targets}, now)

    async def _figures(self, one: Span) -> Figures:
        from .figures import figures

        return await figures(self._opened.gateway, one, self._opened.standings)

    async def _message(self, found: Figures, now: datetime) -> Message:
        from .wording import message

        return message(replace(found, parts=await self._sections(found.span)), now)

    async def _sections(self, one: Span) -> list[Part]:
        """What other plugins have to say of one organization; one that cannot is left out."""
        parts: list[Part] = []
        if one.organization == EVERY_ORGANIZATION:
            return parts
        for section in self._opened.gateway.sections:
            try:
                parts += await section.read(one.organization, one.since, one.until)
            except (Unavailable, Unanswerable) as error:
                log.warning("the summary of %s is without %s: %s", one.organization, section.name, error)
        return parts

    async def _enqueue(self, message: Message, targets: Mapping[str, Target], now: datetime) -> None:
        from ..delivery.outbox import enqueue

        at = round(now.timestamp() * 1000)

        def work(connection: Connection) -> None:
            for key, target in targets.items():
                enqueue(connection, channel=target.id, dedup_key=key, message=message, now_ms=at)

        await self._opened.gateway.database.write(message.organization, work)

    def _zone(self, organization: str) -> str:
        if organization == EVERY_ORGANIZATION:
            return self.settings.zone
        return self._opened.gateway.time_zone(organization)

    @property
    def _opened(self) -> _Open:
        if self._there is None:
            raise RuntimeError("alert_channels has not been started")
        return self._there


def _known(connection: Connection, organizations: Iterable[str], now: datetime) -> set[str]:
    """The keys of summaries that are in the outbox already."""
    from sqlalchemy import select

    from ..tables import AlertOutbox

    outbox: Any = AlertOutbox.__table__  # type: ignore[attr-defined]
    since, found, names = round((now - 2 * GRACE).timestamp() * 1000), set(), sorted(organizations)
    for start in range(0, len(names), 500):
        mine = (outbox.c.organization.in_(names[start : start + 500]), outbox.c.created_ms >= since)
        rows = connection.execute(select(outbox.c.dedup_key).where(*mine, outbox.c.kind == "summary"))
        found |= {key[key.find("summary:") :] for (key,) in rows}
    return found
