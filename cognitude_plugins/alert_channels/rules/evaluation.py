"""An evaluation: the rules that are due, looked at as of one full minute; the lifecycle is told what they say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from hooks import Ledger, Metric, Unanswerable, Unavailable

from ..lifecycle.lifecycle import Lifecycle
from ..lifecycle.observation import Observation
from ..lifecycle.standing import Key, Standing
from . import wording
from .bound import Bound
from .checks import NOT_KNOWN, Check, Finding, checks
from .readings import Readings, read

log: Final = logging.getLogger("cognitude.alert_channels")

SERIES: Final = "rules"
_MINUTE: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_GONE: Final = "Its rule is gone, or disabled."


class World(Protocol):
    """What an evaluation needs of the gateway."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def metrics(self) -> Mapping[str, Metric]: ...

    def organizations(self) -> tuple[str, ...]: ...

    def time_zone(self, organization: str) -> str: ...


class Evaluation:
    """Runs in whichever process has the tick. What could not be read, or written down, is looked at again at the next
    tick, by whoever has that.
    """

    def __init__(self, world: World, lifecycle: Lifecycle, rules: Callable[[], Sequence[Bound]]) -> None:
        self._world = world
        self._lifecycle = lifecycle
        self._rules = rules
        self.unknown: dict[tuple[str, str], tuple[str, datetime]] = {}
        """By rule and organization: why it is not known, and since when."""

    async def run(self, tick: datetime) -> None:
        """As of the full minute of ``tick``. A rule that fails stops no other. Raises `hooks.Unavailable`."""
        due, defined = full_minute(tick), self._rules()
        before = await self._lifecycle.look(SERIES, due)
        if before.last > due:
            log.info("the evaluation of %s is left out: a later one was written", due.isoformat())
            return
        since = before.before if before.last == due else before.last
        rules = [bound for bound in defined if bound.rule.enabled]
        ready = list(self._ready(rules, due))
        wanted = [check for check in ready if check.bound.id in before.again or _has_come(check.every, since, due)]
        found = await self.findings(wanted, due, self._world.organizations())
        # Those that another process has got to an end with since.
        settled = {check.bound.id for check in ready} - {check.bound.id for check in wanted} - before.again
        self._note(found, {bound.id for bound in rules} - settled, due)
        gone = ended(before.standing, ready, {bound.id for bound in rules}, self._world.organizations())
        told = await asyncio.to_thread(lambda: [*observations(found, before.standing), *gone])
        seldom = {check.bound.id for check in wanted if check.every > _MINUTE}
        again = {one.check.bound.id for one in found if one.failure and one.check.every > _MINUTE}
        await self._lifecycle.observe(told, due, series=SERIES, seen=before, begun=seldom, again=again)

    async def findings(self, wanted: Sequence[Check], due: datetime, organizations: tuple[str, ...]) -> list[Finding]:
        """What each check says of each of these organizations that it is for."""
        placed = [(check, check.bound.subjects(organizations)) for check in wanted]
        readings = await read(self._world.ledger, placed, due, self._world.time_zone, self._world.organizations())
        metrics = await self._read_metrics(placed, due)
        return await asyncio.to_thread(_judged, placed, readings, metrics)

    async def _read_metrics(
        self, placed: Iterable[tuple[Check, tuple[str, ...]]], due: datetime
    ) -> Mapping[tuple[str, str], float | str | None]:
        """Each metric of each organization once; a text is why it failed."""
        found: dict[tuple[str, str], float | str | None] = {}
        for check, subjects in placed:
            metric = check.metric
            if metric is None or metric.read is None:
                continue
            for organization in subjects:
                if (metric.name, organization) not in found:
                    try:
                        found[metric.name, organization] = await metric.read(organization, due)
                    except (Unanswerable, Unavailable) as error:
                        found[metric.name, organization] = str(error) or type(error).__name__
        return found

    def _ready(self, rules: Iterable[Bound], due: datetime) -> Iterator[Check]:
        """Without rules that do not fit their metric: it may have gone with another plugin."""
        for bound in rules:
            try:
                yield from checks(bound, self._world.metrics)
            except ValueError as error:
                self._fail(bound.id, "", str(error), due)

    def _note(self, found: Iterable[Finding], known: set[str], due: datetime) -> None:
        for key in [key for key in self.unknown if key[0] not in known]:
            del self.unknown[key]
        for one in found:
            if not one.failure and not self.unknown:
                continue
            key = (one.check.bound.id, one.organization)
            if one.failure:
                self._fail(*key, one.failure, due)
            else:
                self.unknown.pop(key, None)
                self.unknown.pop((one.check.bound.id, ""), None)

    def _fail(self, rule: str, organization: str, why: str, due: datetime) -> None:
        _, since = self.unknown.get((rule, organization), (why, due))
        if (rule, organization) not in self.unknown:
            log.warning("the rule %s is not known%s: %s", rule, f" of {organization}" if organization else "", why)
        self.unknown[rule, organization] = (why, since)


def _has_come(every: timedelta, since: datetime, due: datetime) -> bool:
    """Whether one of its times, counted from 1970, lies after ``since``."""
    return (due - _EPOCH) // every > (since - _EPOCH) // every


def full_minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def observations(found: Iterable[Finding], standing: Mapping[Key, Standing]) -> Iterator[Observation]:
    """Of those that can change something: what is broken, and what has an alert."""
    for one in found:
        broken = one.verdict.broken
        if broken or (broken is False and standing and one.key in standing):
            yield observation(one)


def observation(one: Finding) -> Observation:
    check, rule = one.check, one.check.bound.rule
    return Observation(
        organization=one.organization,
        rule=check.bound.id,
        name=rule.name,
        broken=one.verdict.broken,
        severity=check.severity,
        title=wording.title(check, one.verdict.value),
        subject=check.subject,
        value=one.verdict.value,
        threshold=check.threshold,
        wait=rule.wait,
        repeat=rule.repeat,
        window=one.window,
        resolve=rule.resolve,
        channels=rule.channels,
        labels=rule.filters.given(),
        facts=wording.facts(check, one.verdict.value, one.window),
        data=wording.data(check),
    )


def ended(
    standing: Mapping[Key, Standing], ready: Iterable[Check], known: set[str], organizations: Sequence[str]
) -> Iterator[Observation]:
    """Alerts whose rule, or part of a rule, or organization there is no more: they are over.

    Those of a rule that is ``known`` but not ``ready`` stay as they are.
    """
    subjects = {(check.bound.id, check.subject): check.bound for check in ready}
    unready = known - {rule for rule, _ in subjects}
    for key, alert in standing.items():
        bound = subjects.get((key.rule, key.subject))
        there = bound is not None and key.organization in bound.subjects(tuple(organizations))
        if not there and key.rule not in unready:
            yield Observation(
                organization=alert.organization,
                rule=alert.rule,
                name=alert.name,
                broken=False,
                severity=alert.severity,
                title=alert.title,
                subject=alert.subject,
                threshold=alert.threshold,
                facts=(("Reason", _GONE),),
            )


def _judged(
    placed: Iterable[tuple[Check, tuple[str, ...]]],
    readings: Readings,
    metrics: Mapping[tuple[str, str], float | str | None],
) -> list[Finding]:
    """In a thread: of many rules and organizations it takes longer than the event loop may stand still."""
    found: list[Finding] = []
    for check, subjects in placed:
        found += _of_metric(check, subjects, metrics) if check.metric else readings.of(check, subjects)
    return found


def _of_metric(
    check: Check, subjects: Iterable[str], metrics: Mapping[tuple[str, str], float | str | None]
) -> Iterator[Finding]:
    assert check.metric is not None
    for organization in subjects:
        value = metrics[check.metric.name, organization]
        if isinstance(value, str):
            yield Finding(check, organization, NOT_KNOWN, "", value)
        else:
            yield Finding(check, organization, check.of(value), "", "")
