"""The lifecycle of alerts: what evaluations find and people do, written down together with the messages it causes."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import time_ns
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from hooks import EVERY_ORGANIZATION, Database, Message

from ..channels.target import Target
from . import stored
from .batches import Part, batched, parts_of
from .observation import Observation
from .plan import Outcome, by_hand, evaluated
from .seen import Seen, look
from .silence import Silence
from .standing import Standing
from .states import Change, NewId, acknowledged, resolved_by_hand
from .telling import Audience, Notice
from .wording import message

log: Final = logging.getLogger("cognitude.alert_channels")


class Targets(Protocol):
    """The channels as last read."""

    def targets(self, organization: str) -> Sequence[Target]: ...


class Enqueue(Protocol):
    """Puts a message into the outbox, within the caller's transaction."""

    def __call__(
        self,
        connection: Connection,
        *,
        channel: str,
        dedup_key: str,
        message: Message,
        now_ms: int,
        due_ms: int | None = None,
        alert: str | None = None,
        thread: str | None = None,
    ) -> bool: ...


class WrongState(ValueError):
    """What was asked for cannot be done to an alert in this state."""


def new_alert_id() -> str:
    return f"alert_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """``zone`` is an organization's. All methods raise `hooks.Unavailable` when the database does not answer."""

    database: Database
    targets: Targets
    enqueue: Enqueue
    zone: Callable[[str], str] = field(default=lambda organization: "UTC")
    new_id: NewId = new_alert_id

    async def look(self, series: str, now: datetime) -> Seen:
        """How everything of the series stands, to evaluate ``now``."""
        return await self.database.read(
            EVERY_ORGANIZATION, lambda connection: look(connection, series, _ms(now)), patient=True
        )

    async def observe(
        self,
        observations: Iterable[Observation],
        now: datetime,
        *,
        series: str = "",
        advance: bool = True,
        seen: Seen | None = None,
        begun: Collection[str] = (),
        again: Collection[str] = (),
    ) -> bool:
        """Write down what the evaluation of ``now`` (the time that it is of, not when it is done) has found.

        ``series`` says whose evaluations these are: rules and subjects of two never meet. It tells what is due of
        all alerts of the series, observed or not. Done twice for the same ``now`` it changes nothing the second time.
        False, and nothing is written, when a later one of the series was before; with ``advance`` false it does not
        count as such itself. ``seen`` is how it stood a moment ago, where that is known. ``again`` are rules that the
        next evaluation is to look at in any case, ``begun`` those if not all of this one comes to be written.

        Organizations share transactions, or have several where much is changed at once: a rule is in one.
        """
        at = _ms(now)
        by_organization = _grouped(observations)
        before = seen or await self.look(series, now)
        batches = await asyncio.to_thread(self._needed, before, by_organization, at, series)
        for left, batch in reversed([*enumerate(reversed(batches or [()]))]):
            tick = (begun if left else again) if advance else None
            work = partial(self._write, parts=batch, seen=by_organization, now=at, series=series, again=tick)
            if (batch or advance) and not await self.database.write(EVERY_ORGANIZATION, work):
                log.info("an evaluation of %s came after a later one and is left out", now.isoformat())
                return False
        return True

    async def preview(self, observations: Iterable[Observation], now: datetime, *, series: str = "") -> list[Notice]:
        """What `observe` would tell of the organizations that these are of."""
        by_organization = _grouped(observations)

        def work(connection: Connection) -> list[Notice]:
            standing = _by_organization(stored.open_alerts(connection, by_organization), series)
            silences = stored.silences(connection, _ms(now))
            return [
                notice
                for name, seen in by_organization.items()
                for notice in evaluated(
                    standing.get(name, ()), seen, self._audience(name, silences), _ms(now), series, self.new_id
                ).notices
            ]

        return await self.database.read(EVERY_ORGANIZATION, work, patient=True)

    async def acknowledge(
        self, organization: str | None, id: str, *, by: str, note: str | None, now: datetime
    ) -> Standing | None:
        """None where there is no such alert; with None it is one of any organization. Raises `WrongState`."""

        def change(alert: Standing) -> Change | None:
            if alert.state == "acknowledged":
                return None
            if alert.state != "firing":
                raise WrongState(f"an alert that is {alert.state} cannot be acknowledged")
            return acknowledged(alert, _ms(now), by, note)

        return await self._by_hand(organization, id, change, now)

    async def resolve(
        self, organization: str | None, id: str, *, by: str, note: str | None, now: datetime
    ) -> Standing | None:
        """As `acknowledge`; it opens again only after its rule has held in between, or in its next window."""

        def change(alert: Standing) -> Change | None:
            if alert.state == "resolved":
                return None
            if alert.state == "pending":
                raise WrongState("an alert that is pending has not fired yet and cannot be resolved")
            return resolved_by_hand(alert, _ms(now), by, note)

        return await self._by_hand(organization, id, change, now)

    async def _by_hand(
        self, organization: str | None, id: str, change: Callable[[Standing], Change | None], now: datetime
    ) -> Standing | None:
        at = _ms(now)

        def work(connection: Connection) -> Standing | None:
            alert = stored.one_alert(connection, organization, id, locked=True)
            made = None if alert is None else change(alert)
            if alert is None or made is None:
                return alert
            audience = self._audience(alert.organization, stored.silences(connection, at))
            self._apply(connection, by_hand(alert, made, audience, at), audience, at)
            return stored.one_alert(connection, organization, id)

        return await self.database.write(organization or EVERY_ORGANIZATION, work)

    def _needed(
        self, before: Seen, seen: Mapping[str, Sequence[Observation]], now: int, series: str
    ) -> list[tuple[Part, ...]]:
        """What changes, by what was read, in batches."""
        standing = _by_organization(before.standing.values(), series)
        sizes: list[tuple[Part, int]] = []
        for name in sorted({*standing, *seen}):
            audience = self._audience(name, before.silences)
            outcome = evaluated(standing.get(name, ()), seen.get(name, ()), audience, now, series, self.new_id)
            sizes += parts_of(name, outcome)
        return batched(sizes)

    def _write(
        self,
        connection: Connection,
        parts: Sequence[Part],
        seen: Mapping[str, Sequence[Observation]],
        now: int,
        series: str,
        again: Collection[str] | None,
    ) -> bool:
        """With ``again`` it counts as the last evaluation."""
        last, before, _ = stored.last_tick(connection, series, locked=True)
        if last > now:
            return False
        if again is not None:
            stored.put_tick(connection, series, now, last if last < now else before, again)
        names = {name for name, _ in parts}
        standing = _by_organization(stored.open_alerts(connection, names, locked=True), series) if parts else {}
        silences = stored.silences(connection, now) if parts else []
        for name, rules in parts:
            audience = self._audience(name, silences)
            alerts = [one for one in standing.get(name, ()) if rules is None or one.rule in rules]
            found = [one for one in seen.get(name, ()) if rules is None or one.rule in rules]
            self._apply(connection, evaluated(alerts, found, audience, now, series, self.new_id), audience, now)
        return True

    def _apply(self, connection: Connection, outcome: Outcome, audience: Audience, now: int) -> None:
        stored.put_alerts(connection, outcome.changed, now)
        stored.forget_alerts(connection, [alert.id for alert in outcome.forgotten])
        stored.add_alerts(connection, outcome.added, now)
        stored.add_events(connection, list(_numbered(outcome.events)))
        for notice in outcome.notices:
            self.enqueue(
                connection,
                channel=notice.target.id,
                dedup_key=notice.dedup_key,
                message=message(notice, now, audience.zone),
                now_ms=now,
                due_ms=notice.due_ms,
                alert=notice.alerts[0].id if len(notice.alerts) == 1 else None,
                thread=notice.thread,
            )

    def _audience(self, organization: str, silences: Sequence[Silence]) -> Audience:
        mine = [one for one in silences if one.organization in (EVERY_ORGANIZATION, organization)]
        return Audience(targets=self.targets.targets(organization), silences=mine, zone=self.zone(organization))


def _grouped(observations: Iterable[Observation]) -> dict[str, list[Observation]]:
    found: dict[str, list[Observation]] = {}
    for one in observations:
        found.setdefault(one.organization, []).append(one)
    return found


def _by_organization(alerts: Iterable[Standing], series: str) -> dict[str, list[Standing]]:
    found: dict[str, list[Standing]] = {}
    for alert in alerts:
        if alert.series == series:
            found.setdefault(alert.organization, []).append(alert)
    return found


def _numbered(events: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """With ids that keep the order in which they were written, where they are of the same time."""
    written = time_ns()
    for number, event in enumerate(events):
        yield {"id": f"event_{written:020d}{number:06d}{secrets.token_hex(6)}", **event}


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
