"""Rules over made-up calls: what a test needs to evaluate them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cognitude_plugins.alert_channels.channels.target import Target
from cognitude_plugins.alert_channels.lifecycle.lifecycle import Lifecycle
from cognitude_plugins.alert_channels.rules.bound import Bound
from cognitude_plugins.alert_channels.rules.evaluation import Evaluation
from cognitude_plugins.alert_channels.rules.settings import Rule
from hooks import EVERY_ORGANIZATION, Database, Metric
from hooks.testing import FakeCall, FakeGateway, FakeLedger
from tests.alert_channels.lifecycle.watched import lifecycle

ZONES: Mapping[str, str] = {"acme": "Europe/Berlin", "globex": "America/New_York"}


def bound(organization: str = EVERY_ORGANIZATION, id: str = "", **values: Any) -> Bound:
    """A rule of the gateway's own unless it is said whose."""
    given = {"name": "watched", **values}
    if "slo" not in given:
        given = {"metric": "error_rate", "threshold": 0.5, **given}
    rule = Rule.model_validate(given)
    return Bound(id=id or f"rule_{rule.name}", organization=organization, rule=rule)


def calls(at: datetime, count: int = 1, **values: Any) -> Iterable[FakeCall]:
    return (FakeCall(at=at, **values) for _ in range(count))


@dataclass
class Watched:
    """One gateway. ``life`` may be made anew, as another process has it."""

    database: Database
    targets: Sequence[Target] = ()
    rules: list[Bound] = field(default_factory=list)
    metrics: dict[str, Metric] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=lambda: ZONES)
    ledger: Any = field(default_factory=FakeLedger)

    def __post_init__(self) -> None:
        self.world = FakeGateway(ledger=self.ledger, metrics=self.metrics, time_zones=self.zones)
        self.evaluation = self.another()

    @property
    def life(self) -> Lifecycle:
        return lifecycle(self.database, self.targets, zones=self.zones)

    def another(self) -> Evaluation:
        """As another process has it, which remembers nothing."""
        return Evaluation(self.world, self.life, lambda: self.rules)
