"""An evaluation: the rules that are due, looked at as of one full minute; the lifecycle is told what they say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from hooks import Ledger, Metric, Unanswerable, Unavailable

from ..lifecycle.lifecycle import Lifecycle
from ..lifecycle.observation import Observation
from ..lifecycle.standing import Key, Standing
from . import wording
from .bound import Bound
from .checks import Check, Verdict, checks
from .readings import NotKnown, Readings, read

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says of one organization. ``failure`` is why it is not known, where something failed."""

    check: Check
    organization: str
    verdict: Verdict
    window: str = ""
    failure: str = ""

    @property
    def key(self) -> Key:
        return Key(self.organization, self.check.bound.id, self.check.subject)


class Evaluation:
    """Runs in whichever process has the tick. What could not be read is looked at again at the next tick."""

    def __init__(self, world: World, lifecycle: Lifecycle, rules: Callable[[], Sequence[Bound]]) -> None:
        self._world = world
        self._lifecycle = lifecycle
        self._rules = rules
        self.unknown: dict[tuple[str, str], tuple[str, datetime]] = {}
        """By rule and organization: why it is not known, and since when."""

    async def run(self, tick: datetime) -> None:
        """As of the full minute of ``tick``. A rule that fails stops no other. Raises `hooks.Unavailable`."""
        due = full_minute(tick)
        last, before = await self._lifecycle.ticks(SERIES)
        if last > due:
            log.info("the evaluation of %s is left out: a later one was written", due.isoformat())
            return
        since = before if last == due else last
        rules = [bound for bound in self._rules() if bound.rule.enabled]
        ready = list(self._ready(rules, due))
        again = {rule for rule, _ in self.unknown}
        wanted = [check for check in ready if check.bound.id in again or _has_come(check.every, since, due)]
        found = await self.findings(wanted, due, self._world.organizations())
        self._note(found, {bound.id for bound in rules}, due)
        standing = await self._lifecycle.open(SERIES)
        seen = list(observations(found, standing))
        gone = ended(standing, ready, {bound.id for bound in rules}, self._world.organizations())
        await self._lifecycle.observe([*seen, *gone], due, series=SERIES)

    async def findings(self, wanted: Sequence[Check], due: datetime, organizations: tuple[str, ...]) -> list[Finding]:
        """What each check says of each of these organizations that it is for."""
        placed = [(check, check.bound.subjects(organizations)) for check in wanted]
        readings = await read(self._world.ledger, placed, due, self._world.time_zone)
        metrics = await self._read_metrics(placed, due)
        found = []
        for check, subjects in placed:
            for organization in subjects:
                found.append(_finding(check, organization, readings, metrics))
        return found

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
            key = (one.check.bound.id, one.organization)
            if one.failure:
                self._fail(*key, one.failure, due)
            elif self.unknown:
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
        if one.verdict.broken or (one.verdict.broken is False and one.key in standing):
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


def _finding(
    check: Check,
    organization: str,
    readings: Readings,
    metrics: Mapping[tuple[str, str], float | str | None],
) -> Finding:
    if check.metric is not None:
        value = metrics[check.metric.name, organization]
        if isinstance(value, str):
            return Finding(check=check, organization=organization, verdict=Verdict(None, None), failure=value)
        return Finding(check=check, organization=organization, verdict=check.of(value))
    try:
        verdict = check.judge(readings.of(check, organization))
    except NotKnown as error:
        return Finding(check=check, organization=organization, verdict=Verdict(None, None), failure=str(error))
    window = readings.window(check, organization)
    return Finding(check=check, organization=organization, verdict=verdict, window=window)
