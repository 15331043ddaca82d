"""Ceilings made into rules: which of them are for a call, and what it takes from each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from hooks import Call, Caller, Ceiling

from .calendar import calendar_window
from .charge import UNLIMITED, Charge, Kind
from .demand import Demand
from .rules import Rule

SUBJECTS: Final = "b:"
"""How the subjects of their counters begin."""

MOST_NANO: Final = 2**50
"""About a million dollars: sums of a few of these are still exact in Lua."""

_YEAR_MS: Final = 366 * 86_400_000

Rules = tuple[Rule, ...]


@dataclass(slots=True)
class Budgets:
    """Those of one organization, by what a call has."""

    whole: Rules = ()
    keys: dict[str, Rules] = field(default_factory=dict)
    users: dict[str, Rules] = field(default_factory=dict)
    tags: dict[str, Rules] = field(default_factory=dict)
    providers: Rules = ()

    def of(self, call: Call) -> Iterator[Rule]:
        """Those of providers are all among them: which one will answer is not known."""
        caller = call.caller
        yield from self.whole
        yield from self.keys.get(caller.key, ())
        if caller.user:
            yield from self.users.get(caller.user, ())
        for name, value in call.tags.items() if self.tags else ():
            yield from self.tags.get(f"{name}={value}", ())
        yield from self.providers

    def seen_by(self, caller: Caller) -> Iterator[Rule]:
        """Those that somebody is told of: not what other keys and users have."""
        yield from self.whole
        yield from self.keys.get(caller.key, ())
        yield from self.users.get(caller.user or "", ())
        for rules in self.tags.values():
            yield from rules
        yield from self.providers

    def add(self, rule: Rule, ceiling: Ceiling) -> None:
        if ceiling.scope == "organization":
            self.whole += (rule,)
        elif ceiling.scope == "provider":
            self.providers += (rule,)
        else:
            place = {"key": self.keys, "user": self.users, "tag": self.tags}[ceiling.scope]
            place[ceiling.value] = (*place.get(ceiling.value, ()), rule)


def compiled(rules: Iterable[Rule]) -> Mapping[str, Budgets]:
    """By organization."""
    found: dict[str, Budgets] = {}
    for rule in rules:
        if (ceiling := rule.ceiling) is not None:
            found.setdefault(ceiling.organization, Budgets()).add(rule, ceiling)
    return found


def rule_of(ceiling: Ceiling, share: float = 1.0) -> Rule:
    """``share`` is this process's part of it."""
    whole = min(ceiling.nano_usd, MOST_NANO)
    limit = whole if share >= 1 else int(whole * share)
    return Rule(
        scope=ceiling.scope,
        unit="cost_usd",
        per=ceiling.per,
        kind=Kind.CALENDAR,
        limit=limit,
        burst=limit,
        field=ceiling.per,
        origin="budget",
        ceiling=ceiling,
    )


def window(ceiling: Ceiling, zone: str, now: int) -> tuple[int, int, int]:
    """As `calendar_window`. One without an end has one that always lies a year or two ahead: so long its counter is
    kept when nobody calls.
    """
    if ceiling.since is None:
        return calendar_window(ceiling.per, zone, now)
    end = (now // _YEAR_MS + 2) * _YEAR_MS
    return int(ceiling.since.timestamp() * 1000), end, end + 1


def begun(rule: Rule, now: int) -> bool:
    """One without an end counts from a time on that may lie ahead."""
    since = None if rule.ceiling is None else rule.ceiling.since
    return since is None or since.timestamp() * 1000 <= now


def charges(
    rule: Rule, subject: str, demand: Demand, provider: str, times: tuple[int, int, int]
) -> tuple[Charge, Charge]:
    """What a call takes from a budget, and the counter of what was spent of it, which will be told at the end.

    From another provider's nothing is taken, and it refuses nothing.
    """
    start, end, after = times
    needed, beyond = demand.needed, demand.held - demand.needed
    if elsewhere(rule, provider):
        needed, beyond = -MOST_NANO, MOST_NANO
    taken = Charge(
        subject=subject,
        field=rule.field,
        kind=Kind.CALENDAR,
        limit=rule.limit + beyond,
        amount=needed + beyond,
        start=start,
        end=end,
        after=after,
        beyond=beyond,
    )
    return taken, spent_of(taken)


def spent_of(charge: Charge, amount: int = 0) -> Charge:
    """Beside what is taken, and of the same window: what the calls that have ended came to."""
    return Charge(
        subject=charge.subject,
        field=f"{charge.field}/spent",
        kind=Kind.CALENDAR,
        limit=UNLIMITED,
        amount=amount,
        start=charge.start,
        end=charge.end,
        after=charge.after,
    )


def elsewhere(rule: Rule, provider: str) -> bool:
    """Whether it is the budget of another provider than this one."""
    return rule.ceiling is not None and rule.scope == "provider" and rule.ceiling.value != provider
