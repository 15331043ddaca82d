"""When which budget is looked at, and what alerts follow of it.

All once in an hour, or however often it was set to; those that are hard or used to 80 per cent, that were changed, or
whose period has just begun, each minute. What was found last is known to this process only: one that takes over looks
at all of them first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, select

from hooks import Gateway, Unavailable

from ..lifecycle.observation import Observation
from ..lifecycle.standing import Key
from ..lifecycle.standing import Standing as OpenAlert
from ..tables import Alert
from .alarms import above, ended, highest, limit, observations
from .owned import FORECAST, Share, shares
from .period import period_of
from .register import Register
from .settings import Budget
from .standing import Standing
from .standings import Standings

HOT_PERCENT: Final = 80

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_ALERT: Final[Any] = Alert.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class _Seen:
    budget: Budget
    period: str
    turn: int
    hot: bool


class Evaluation:
    """``every`` is how often those are looked at that are neither hard nor nearly used up."""

    def __init__(
        self, gateway: Gateway, register: Register, standings: Standings, *, every: timedelta = timedelta(hours=1)
    ) -> None:
        self._gateway = gateway
        self._register = register
        self._standings = standings
        self._every = every
        self._seen: dict[tuple[str, str], _Seen] = {}

    async def budgets_due(
        self, now: datetime, opened: Mapping[Key, OpenAlert], *, everything: bool = False
    ) -> Sequence[Observation]:
        """What is to be observed of the budgets whose turn it is; ``opened`` are the open alerts of budgets.

        Raises `hooks.Unavailable`.
        """
        await self._register.refresh()
        if self._register.number < 0:
            # Alerts of budgets that are only not known yet are not over.
            raise Unavailable("the budgets that were made through the API have not been read yet")
        there = shares(self._register.all(), self._gateway.organizations())
        firing: dict[str, dict[str, str]] = {}
        for alert in opened.values():
            firing.setdefault(alert.organization, {})[alert.rule] = alert.window
        due = [one for one in there if everything or self._is_due(one, now)]
        found = await self._standings.of(due, now)
        self._remember(there, found, now)
        told = [await self._told(one, firing.get(one.share.organization, {})) for one in found]
        return [
            *(
                observation
                for one, silent in zip(found, told, strict=True)
                for observation in observations(one, firing.get(one.share.organization, {}), silent)
            ),
            *_gone(there, opened.values()),
        ]

    def forget(self) -> None:
        """What was found last was not written down: all of them are looked at again."""
        self._seen.clear()

    def _is_due(self, share: Share, now: datetime) -> bool:
        seen = self._seen.get(share.key)
        if seen is None or seen.hot or seen.turn != self._turn(now) or seen.budget != share.budget:
            return True
        zone = self._gateway.time_zone(share.organization)
        return seen.period != period_of(share.budget.per, zone, now, share.budget.since).name

    def _remember(self, there: Sequence[Share], found: Sequence[Standing], now: datetime) -> None:
        present = {one.key for one in there}
        self._seen = {key: one for key, one in self._seen.items() if key in present}
        for standing in found:
            budget = standing.share.budget
            hot = budget.enabled and (budget.hard or (standing.percent or Decimal(0)) >= HOT_PERCENT)
            self._seen[standing.share.key] = _Seen(budget, standing.period.name, self._turn(now), hot)

    def _turn(self, now: datetime) -> int:
        return (now - _EPOCH) // self._every

    async def _told(self, standing: Standing, firing: Mapping[str, str]) -> bool:
        """Whether in this period a higher threshold than the one reached was told, of a lower amount: as much as this
        one stands for was known to be spent then.
        """
        top = highest(standing)
        higher = above(standing, top) if top is not None and firing.get(top) != standing.period.name else []
        if not higher:
            return False
        organization, since = standing.share.organization, round(standing.period.start.timestamp() * 1000)
        usd = float(Decimal(limit(standing, standing.crossed[-1])).scaleb(-9))

        def look(connection: Connection) -> bool:
            mine = (_ALERT.c.organization == organization, _ALERT.c.pending_ms >= since, _ALERT.c.rule.in_(higher))
            as_much = _ALERT.c.threshold >= usd
            return connection.execute(select(_ALERT.c.id).where(*mine, as_much).limit(1)).first() is not None

        return await self._gateway.database.read(organization, look)


def _gone(there: Sequence[Share], opened: Iterable[OpenAlert]) -> list[Observation]:
    """Alerts of budgets and thresholds that there are no more."""
    present = {
        (one.organization, one.owned.rule(label))
        for one in there
        for label in (*(threshold.label for threshold in one.budget.thresholds), FORECAST)
        if label != FORECAST or one.budget.forecast
    }
    return [ended(one) for one in opened if (one.organization, one.rule) not in present]
