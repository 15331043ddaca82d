"""A lifecycle with made-up channels, and what it has put into the outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from cognitude_plugins.alert_channels.channels.target import Target
from cognitude_plugins.alert_channels.lifecycle.lifecycle import Lifecycle, new_alert_id
from cognitude_plugins.alert_channels.lifecycle.observation import Observation
from cognitude_plugins.alert_channels.tables import AlertOutbox
from hooks import EVERY_ORGANIZATION, Database, Message

_OUTBOX: Any = AlertOutbox.__table__  # type: ignore[attr-defined]
START = datetime(2026, 11, 30, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def seen(broken: bool | None = True, **changed: Any) -> Observation:
    values: dict[str, Any] = {
        "organization": "acme",
        "rule": "rule_1",
        "name": "errors",
        "severity": "warning",
        "title": "error_rate is 12 %",
        "value": 0.12,
        "threshold": 0.05,
        **changed,
    }
    return Observation(broken=broken, **values)


@dataclass
class Channels:
    """The `Targets` of a lifecycle: what the test put into ``known``."""

    known: list[Target] = field(default_factory=list)

    def targets(self, organization: str) -> tuple[Target, ...]:
        return tuple(one for one in self.known if one.organization in (EVERY_ORGANIZATION, organization))


def target(name: str = "ops", **changed: Any) -> Target:
    return Target(**{"id": f"id-{name}", "name": name, "organization": "acme", **changed})


def enqueue(
    connection: Connection,
    *,
    channel: str,
    dedup_key: str,
    message: Message,
    now_ms: int,
    due_ms: int | None = None,
    alert: str | None = None,
) -> bool:
    """As the outbox does, whose rows can be looked at."""
    if connection.execute(select(_OUTBOX.c.id).where(_OUTBOX.c.dedup_key == dedup_key)).first() is not None:
        return False
    values = {
        "id": dedup_key,
        "dedup_key": dedup_key,
        "organization": message.organization,
        "channel": channel,
        "alert": alert,
        "kind": message.kind,
        "message": message.title,
        "state": "waiting",
        "attempts": 0,
        "due_ms": now_ms if due_ms is None else due_ms,
        "claimed_ms": 0,
        "created_ms": now_ms,
    }
    connection.execute(insert(_OUTBOX).values(**values))
    return True


def lifecycle(
    database: Database, targets: Iterable[Target] = (), *, zones: Mapping[str, str] | None = None, ids: Any = None
) -> Lifecycle:
    known = zones or {}
    zone: Callable[[str], str] = lambda organization: known.get(organization, "UTC")  # noqa: E731
    return Lifecycle(
        database=database,
        targets=Channels(list(targets)),
        enqueue=enqueue,
        zone=zone,
        new_id=ids or new_alert_id,
    )


async def sent(database: Database) -> list[tuple[str, str, str, float]]:
    """Channel, kind, title and due minute of all that was put into the outbox, in that order of time."""

    def work(connection: Connection) -> list[tuple[str, str, str, float]]:
        wanted = select(_OUTBOX).order_by(
            _OUTBOX.c.due_ms, _OUTBOX.c.created_ms, _OUTBOX.c.channel, _OUTBOX.c.kind, _OUTBOX.c.message
        )
        start = START.timestamp() * 1000
        return [
            (row["channel"].removeprefix("id-"), row["kind"], row["message"], (row["due_ms"] - start) / 60_000)
            for row in connection.execute(wanted).mappings()
        ]

    return await database.read(EVERY_ORGANIZATION, work)
