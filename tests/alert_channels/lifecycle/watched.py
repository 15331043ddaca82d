"""A lifecycle with made-up channels, and what it has put into the outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, select

from cognitude_plugins.alert_channels.channels.target import Target
from cognitude_plugins.alert_channels.delivery.outbox import enqueue
from cognitude_plugins.alert_channels.delivery.packed import unpacked
from cognitude_plugins.alert_channels.lifecycle.lifecycle import Lifecycle, new_alert_id
from cognitude_plugins.alert_channels.lifecycle.observation import Observation
from cognitude_plugins.alert_channels.lifecycle.standing import Key, Standing
from cognitude_plugins.alert_channels.tables import AlertOutbox
from hooks import EVERY_ORGANIZATION, Database

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
        start = START.timestamp() * 1000
        rows = connection.execute(select(_OUTBOX)).mappings().all()
        found = [
            (row["channel"].removeprefix("id-"), row["kind"], unpacked("", row["message"]).title, row["due_ms"])
            for row in sorted(rows, key=itemgetter("due_ms", "created_ms"))
        ]
        return [(*told, (due - start) / 60_000) for *told, due in sorted(found, key=itemgetter(3, 0, 1, 2))]

    return await database.read(EVERY_ORGANIZATION, work)


async def standing(life: Lifecycle, series: str = "") -> Mapping[Key, Standing]:
    """The alerts that are open, or hold a place."""
    return (await life.look(series, START)).standing
