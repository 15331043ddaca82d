"""Everything of rules and alerts that lives from start-up to shutdown, and what their endpoints ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from hooks import EVERY_ORGANIZATION, Gateway, Metric, Misfit, Tick

from ..channels.named import missing
from .settings import DeclaredRule

if TYPE_CHECKING:
    from ..lifecycle.lifecycle import Lifecycle, Targets
    from .bound import Bound
    from .evaluation import Evaluation
    from .rulebook import Rulebook

SETTLES: Final = timedelta(seconds=3)
"""How long after a full minute it is evaluated: what calls have cost is in the ledger some tenths of a second later."""
_MOST_SHOWN: Final = 20


class Watch:
    """``declared`` are the rules of plugins.yaml. What is opened is there between start-up and shutdown only.

    ``kept`` is how long what is over can be looked at. ``now`` and ``sleep`` are for tests.
    """

    def __init__(
        self,
        declared: Sequence[DeclaredRule],
        *,
        kept: timedelta = timedelta(days=90),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.now: Final = now
        self._declared = declared
        self._kept = kept
        self._sleep = sleep
        self._opened: tuple[Gateway, Rulebook, Lifecycle, Evaluation] | None = None

    @asynccontextmanager
    async def opened(self, gateway: Gateway, targets: Targets) -> AsyncIterator[None]:
        from ..delivery.outbox import enqueue
        from ..lifecycle.lifecycle import Lifecycle
        from .evaluation import Evaluation
        from .rulebook import Rulebook

        rulebook = Rulebook(self._declared, gateway.database)
        lifecycle = Lifecycle(database=gateway.database, targets=targets, enqueue=enqueue, zone=gateway.time_zone)
        evaluation = Evaluation(gateway, lifecycle, rulebook.certain)
        await rulebook.refresh()
        self._opened = (gateway, rulebook, lifecycle, evaluation)
        try:
            yield
        finally:
            self._opened = None

    @property
    def gateway(self) -> Gateway:
        return self._parts[0]

    @property
    def rulebook(self) -> Rulebook:
        return self._parts[1]

    @property
    def lifecycle(self) -> Lifecycle:
        return self._parts[2]

    @property
    def evaluation(self) -> Evaluation:
        return self._parts[3]

    async def evaluate(self, tick: Tick) -> None:
        """The job of each minute."""
        if self._opened is None:
            return
        due = tick.due.replace(second=0, microsecond=0)
        settled = (due + SETTLES - self.now()).total_seconds()
        if 0 < settled <= SETTLES.total_seconds():
            await self._sleep(settled)
        await self.rulebook.refresh()
        await self.evaluation.run(due)

    def warning(self, bound: Bound) -> str | None:
        """What is missing for somebody to be told."""
        targets = self.lifecycle.targets.targets(bound.organization)
        return " ".join(missing(bound.rule.channels, {one.name for one in targets})) or None

    async def sweep(self) -> None:
        """Forget what was over long ago: the job of each day."""
        from ..lifecycle import stored

        before, more = round((self.now() - self._kept).timestamp() * 1000), self._opened is not None
        while more:
            more = await self.gateway.database.write(
                EVERY_ORGANIZATION, lambda connection: stored.forget_ended(connection, before)
            )

    def status(self) -> Mapping[str, Any]:
        """For ``/health``, which is public: rules by their ids. That some are not known makes a gateway no worse."""
        if self._opened is None:
            return {}
        since: dict[str, datetime] = {}
        for (rule, _), (_, when) in self.evaluation.unknown.items():
            since[rule] = min(when, since.get(rule, when))
        shown = sorted(since.items(), key=lambda one: one[1])[:_MOST_SHOWN]
        return {
            "rules": len(self.rulebook.all()),
            "rules_not_known": len(since),
            "not_known_since": {rule: when.isoformat().replace("+00:00", "Z") for rule, when in shown},
        }

    @property
    def _parts(self) -> tuple[Gateway, Rulebook, Lifecycle, Evaluation]:
        if self._opened is None:
            raise RuntimeError("alert_channels is not started")
        return self._opened


def misfits(declared: Sequence[DeclaredRule], metrics: Mapping[str, Metric]) -> Iterator[Misfit]:
    """Rules of plugins.yaml that do not fit the metric that they name, or name one that no plugin offers."""
    from .checks import checks
    from .metrics import UnknownMetric
    from .rulebook import declared_rules

    for index, bound in enumerate(declared_rules(declared)):
        try:
            checks(bound, metrics)
        except UnknownMetric as error:
            rule = "must be one of the metrics that there are, also of other plugins"
            yield Misfit(at=("rules", index, "metric"), rule=rule, nearest=error.nearest)
        except ValueError as error:
            yield Misfit(at=("rules", index), rule=str(error))
