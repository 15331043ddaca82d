"""Takes up the ceilings that are published, and keeps what is counted of them from falling below the ledger.

Counters in a process end with it, and Redis may be emptied; what was spent is in the ledger all the same. A ceiling is
held to from when it is known what was spent of it before, or that this cannot be read now.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from hooks import Ceiling, Gateway, Unanswerable, Unavailable

from .ceilings import begun, compiled, rule_of
from .charge import Charge, Verdict
from .counters import Counters, Down
from .policies import Policies
from .rules import Rule

log: Final = logging.getLogger("cognitude.limiter")

_PATIENCE_SECONDS: Final = 2.0
"""For how long calls may wait for the ledger, when a ceiling is new."""
_READ_AT: Final = frozenset({1, 2, 3, 5, 10, 20, 40})
_EVERY: Final = 60
"""Seconds. At first it is read more often: what a gateway that died had not written yet is written by the next."""
_MOST_ALONE: Final = 4
"""So many ceilings that count alike are asked about one by one, more of them all at once."""


class Forgetful(Protocol):
    def forget(self) -> None: ...


class Keeper:
    """Of one process. ``version`` is that of the ceilings that it holds calls to, ``share`` its part of each."""

    def __init__(
        self, gateway: Gateway, policies: Policies, counters: Counters, refused: Forgetful, share: float = 1.0
    ) -> None:
        self.version = 0
        self._gateway = gateway
        self._policies = policies
        self._counters = counters
        self._refused = refused
        self._share = share
        self._turn = asyncio.Lock()
        self._rules: dict[Ceiling, Rule] = {}
        self._age: dict[Ceiling, int] = {}
        self._unread: set[Ceiling] = set()
        self._least: dict[Rule, tuple[int, int]] = {}
        self._unanswerable: set[Ceiling] = set()

    async def take(self) -> None:
        """What was published last. New ones are held to when it is known what was spent, or after two seconds."""
        async with self._turn:
            version = self._gateway.ceilings.version
            if version == self.version:
                return
            before, self._rules = self._rules, self._made(self._gateway.ceilings.all())
            known = {_place(one) for one in before if one not in self._unread}
            kept = set(self._rules.values())
            self._least = {rule: found for rule, found in self._least.items() if rule in kept}
            self._unanswerable &= self._rules.keys()
            self._age = {one: self._age.get(one, 0) for one in self._rules}
            self._unread = {one for one in self._rules if _place(one) not in known}
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._raise([self._rules[one] for one in self._unread])
            except TimeoutError:
                log.warning("what was spent of %d budgets before is not known yet", len(self._unread))
            self._policies.hold(compiled(self._rules.values()))
            self._refused.forget()
            self.version = version

    async def read(self) -> None:
        """Once a second: of those whose turn it is, what the ledger has."""
        await self.take()
        for one in self._age:
            self._age[one] += 1
        due = [
            rule
            for one, rule in self._rules.items()
            if one in self._unread or self._age[one] in _READ_AT or self._age[one] % _EVERY == 0
        ]
        await self._raise(due)

    def compare(self, rules: Sequence[Rule], charges: Sequence[Charge], verdict: Verdict) -> None:
        """A counter that is lower than it was known to be has been lost: the ledger is asked at the next second."""
        budgets = sum(rule.ceiling is not None for rule in rules)
        for at in range(len(rules) - budgets, len(rules)):
            start, least = self._least.get(rules[at], (0, 0))
            charge, ceiling = charges[at + budgets], rules[at].ceiling
            if charge.start == start and charge.limit - verdict.states[at + budgets].remaining < least and ceiling:
                self._unread.add(ceiling)

    def status(self) -> Mapping[str, Any]:
        """For ``/health``: nothing without budgets."""
        if not self._rules:
            return {}
        found: dict[str, Any] = {"budgets": {"held": len(self._rules), "unread": len(self._unread)}}
        return found | ({"status": "degraded"} if self._unread else {})

    def _made(self, ceilings: Iterable[Ceiling]) -> dict[Ceiling, Rule]:
        """Of two with the same counter the first."""
        found: dict[tuple[str, str, str], Ceiling] = {}
        for one in ceilings:
            found.setdefault((one.organization, one.id, one.per), one)
        return {one: self._rules.get(one) or rule_of(one, self._share) for one in found.values()}

    async def _raise(self, rules: Sequence[Rule]) -> None:
        """Those that are asked about together count alike, from the same time."""
        alike: dict[tuple[str, str, int], list[Rule]] = {}
        now = self._counters.now()
        for rule in rules:
            if rule.ceiling is not None and begun(rule, now):
                start = self._policies.spent(rule, 0, now)[2][0].start
                alike.setdefault((rule.ceiling.organization, rule.scope, start), []).append(rule)
            elif rule.ceiling is not None:
                self._unread.discard(rule.ceiling)
        for (organization, scope, start), group in alike.items():
            try:
                await self._raise_group(organization, scope, start, group)
            except (Unavailable, Down) as error:
                log.debug("what was spent of budgets of %s cannot be read now: %s", organization, error)

    async def _raise_group(self, organization: str, scope: str, start: int, group: Sequence[Rule]) -> None:
        since = datetime.fromtimestamp(start / 1000, UTC)
        try:
            spent = await self._spent(organization, scope, since, group)
        except Unanswerable as error:
            self._say_once(group, error)
            return
        for rule in group:
            if (ceiling := rule.ceiling) is not None:
                await self._raise_one(rule, start, int(spent.get(ceiling.value, 0) * self._share))
                self._unread.discard(ceiling)

    async def _raise_one(self, rule: Rule, start: int, spent: int) -> None:
        tag, subject, charges = self._policies.spent(rule, spent, self._counters.now())
        if charges[0].start == start:
            await self._counters.raise_to(tag, subject, charges)
            self._least[rule] = start, spent

    async def _spent(self, organization: str, scope: str, since: datetime, group: Sequence[Rule]) -> Mapping[str, int]:
        ledger = self._gateway.ledger
        if scope == "organization":
            return {"": await ledger.spent(organization, since=since)}
        values = {rule.ceiling.value for rule in group if rule.ceiling is not None}
        if len(values) <= _MOST_ALONE:
            return {value: await self._of(organization, since, {scope: value}) for value in values}
        sums = await ledger.usage(organization, since=since, group_by=(scope,))
        return {one.group[scope]: one.cost_nano_usd for one in sums}

    async def _of(self, organization: str, since: datetime, filters: Mapping[str, str]) -> int:
        return await self._gateway.ledger.spent(organization, since=since, until=None, **filters)

    def _say_once(self, group: Sequence[Rule], error: Unanswerable) -> None:
        for rule in group:
            if rule.ceiling is not None:
                self._unread.discard(rule.ceiling)
                if rule.ceiling not in self._unanswerable:
                    self._unanswerable.add(rule.ceiling)
                    log.warning("budget %s counts only what is spent from now on: %s", rule.ceiling.id, error)


def _place(ceiling: Ceiling) -> tuple[object, ...]:
    """Whose counter it is, and what it counts: the amount is not part of it."""
    return ceiling.organization, ceiling.id, ceiling.per, ceiling.scope, ceiling.value, ceiling.since
