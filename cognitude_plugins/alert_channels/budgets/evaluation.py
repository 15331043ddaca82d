"""When which budget is looked at, and what alerts follow of it.

All once in an hour; those that are hard or used to 80 per cent, that were changed, or whose period has just begun, each
minute. What was found last is known to this process only: one that takes over looks at all of them first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, select

from hooks import EVERY_ORGANIZATION, Gateway, Severity

from ..lifecycle.observation import Observation
from ..tables import Alert
from .alarms import above, ended, highest, observations
from .owned import FORECAST, RULE, Share, shares
from .period import period_of
from .register import Register
from .settings import Budget
from .standing import Standing
from .standings import Standings

HOT_PERCENT: Final = 80

_ALERT: Final[Any] = Alert.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class _Seen:
    budget: Budget
    period: str
    hour: datetime
    hot: bool


@dataclass(frozen=True, slots=True)
class _Open:
    """An alert of a budget."""

    window: str
    title: str
    severity: Severity


class Evaluation:
    """Implements what the job asks each minute."""

    def __init__(self, gateway: Gateway, register: Register, standings: Standings) -> None:
        self._gateway = gateway
        self._register = register
        self._standings = standings
        self._seen: dict[tuple[str, str], _Seen] = {}

    async def budgets_due(self, now: datetime) -> Sequence[Observation]:
        """What is to be observed of the budgets whose turn it is. Raises `hooks.Unavailable`."""
        await self._register.refresh()
        there = shares(self._register.all(), self._gateway.organizations())
        opened = await self._firing()
        firing = {whose: {rule: one.window for rule, one in rules.items()} for whose, rules in opened.items()}
        due = [one for one in there if self._is_due(one, now)]
        found = await self._standings.of(due, now)
        self._remember(there, found, now)
        told = [await self._told(one, firing.get(one.share.organization, {})) for one in found]
        return [
            *(
                observation
                for one, silent in zip(found, told, strict=True)
                for observation in observations(one, firing.get(one.share.organization, {}), silent)
            ),
            *_gone(there, opened),
        ]

    def _is_due(self, share: Share, now: datetime) -> bool:
        seen = self._seen.get(share.key)
        if seen is None or seen.hot or seen.hour != _hour(now) or seen.budget != share.budget:
            return True
        zone = self._gateway.time_zone(share.organization)
        return seen.period != period_of(share.budget.per, zone, now, share.budget.since).name

    def _remember(self, there: Sequence[Share], found: Sequence[Standing], now: datetime) -> None:
        present = {one.key for one in there}
        self._seen = {key: one for key, one in self._seen.items() if key in present}
        for standing in found:
            budget = standing.share.budget
            hot = budget.enabled and (budget.hard or (standing.percent or Decimal(0)) >= HOT_PERCENT)
            self._seen[standing.share.key] = _Seen(budget, standing.period.name, _hour(now), hot)

    async def _firing(self) -> Mapping[str, Mapping[str, _Open]]:
        """Open alerts of budgets, by organization and rule."""
        found: dict[str, dict[str, _Open]] = {}
        for row in await self._gateway.database.read(EVERY_ORGANIZATION, _open_alerts):
            found.setdefault(row.organization, {})[row.rule] = _Open(
                window=json.loads(row.detail).get("window", ""), title=row.title, severity=row.severity
            )
        return found

    async def _told(self, standing: Standing, firing: Mapping[str, str]) -> bool:
        """Whether a higher threshold than the highest that is reached was told in this period."""
        top = highest(standing)
        higher = above(standing, top) if top is not None and firing.get(top) != standing.period.name else []
        if not higher:
            return False
        organization, since = standing.share.organization, round(standing.period.start.timestamp() * 1000)

        def look(connection: Connection) -> bool:
            mine = (_ALERT.c.organization == organization, _ALERT.c.pending_ms >= since, _ALERT.c.rule.in_(higher))
            return connection.execute(select(_ALERT.c.id).where(*mine).limit(1)).first() is not None

        return await self._gateway.database.read(organization, look)


def _open_alerts(connection: Connection) -> Sequence[Any]:
    mine = (_ALERT.c.open_key.is_not(None), _ALERT.c.rule.startswith(RULE, autoescape=True))
    columns = (_ALERT.c.organization, _ALERT.c.rule, _ALERT.c.title, _ALERT.c.severity, _ALERT.c.detail)
    return connection.execute(select(*columns).where(*mine)).all()


def _gone(there: Sequence[Share], firing: Mapping[str, Mapping[str, _Open]]) -> list[Observation]:
    """Alerts of budgets and thresholds that there are no more."""
    present = {
        (one.organization, one.owned.rule(label))
        for one in there
        for label in (*(threshold.label for threshold in one.budget.thresholds), FORECAST)
        if label != FORECAST or one.budget.forecast
    }
    return [
        ended(organization, rule, one.title, one.severity)
        for organization, rules in firing.items()
        for rule, one in rules.items()
        if (organization, rule) not in present
    ]


def _hour(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
