"""Which limits a call must fit into: those of the configuration, with what was set for its organization and its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from hooks import Call, Caller

from .calendar import calendar_window
from .ceilings import SUBJECTS, Budgets, begun, spent_of, window
from .ceilings import charges as budget_charges
from .charge import UNLIMITED, Charge, Kind
from .demand import NOTHING, Demand
from .layers import Override, effective
from .rules import Rule, rule_of
from .settings import Limit

LEASE_MS: Final = 30_000
"""For how long a call counts as under way without being renewed: what a worker that died leaves behind ends then."""

GLOBAL: Final = "*"
"""In place of an organization, where all counters of a request must be together although some are of everybody."""

_APART: Final = "|"
"""No organization has it in its name."""
_MOST_KEPT: Final = 10_000
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The limits of one key. ``tag`` keeps all its counters in one slot of a cluster; ``fixed`` are the charges of
    every call alike, None where they depend on the call. ``budgets`` are those of its organization.
    """

    tag: str
    rules: tuple[Rule, ...]
    fixed: tuple[Charge, ...] | None
    measured: bool
    by_provider: bool
    settled: bool
    budgets: Budgets | None = None


class Policies:
    """``overrides`` gives those of an organization; ``share`` is this process's part of every limit."""

    def __init__(
        self,
        limits: Sequence[Limit],
        overrides: Callable[[str], Sequence[Override]],
        *,
        zone: Callable[[str], str],
        share: float = 1.0,
    ) -> None:
        self._limits = limits
        self._overrides = overrides
        self._zone = zone
        self._share = share
        self._global = any(limit.scope == "global" for limit in limits)
        self._kept: dict[tuple[str, str], Prepared] = {}
        self._budgets: Mapping[str, Budgets] = {}

    def hold(self, budgets: Mapping[str, Budgets]) -> None:
        """To these, by organization, in place of those before."""
        self._budgets = budgets
        self.forget()

    def forget(self) -> None:
        """Something was changed."""
        self._kept = {}

    def of(self, caller: Caller) -> Prepared:
        name = (caller.organization, caller.key)
        found = self._kept.get(name)
        if found is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept = {}
            found = self._kept[name] = self._prepared(*name)
        return found

    def rules(self, organization: str, key: str) -> tuple[Rule, ...]:
        """The limits of an organization's key, whole; with ``key`` empty those of the organization's other keys."""
        return tuple(self._effective(organization, key))

    def charges(
        self, prepared: Prepared, call: Call, model: str, demand: Demand, provider: str, now: int
    ) -> tuple[tuple[Rule, ...], tuple[Charge, ...]]:
        """The rules that are for this call, budgets last, and what it takes from each; behind them the counters of what
        was spent of the budgets, and the lease by which it is settled.

        ``model`` is the call's if the gateway knows it, else empty. ``now`` in milliseconds.
        """
        caller = call.caller
        placed = [(rule, subject) for rule, subject in self.placed(prepared, caller, model, provider)
                  if rule.applies(call.model)]  # fmt: skip
        charges = [self._charge(rule, subject, demand.amount(rule.unit), caller.organization, now)
                   for rule, subject in placed]  # fmt: skip
        rules = [rule for rule, _ in placed]
        if prepared.budgets is not None:
            self._add_budgets(prepared.budgets, call, demand, provider, now, rules, charges)
        if prepared.settled and any(rule.unit != "requests" for rule in rules):
            charges.append(self._lease(caller.organization))
        return tuple(rules), tuple(charges)

    def placed(self, prepared: Prepared, caller: Caller, model: str, provider: str) -> Iterator[tuple[Rule, str]]:
        """Each rule with the subject whose counter it is, but for those that count by what is not there."""
        for rule in prepared.rules:
            subject = self._subject(rule, caller, model, provider)
            if subject is not None:
                yield rule, subject

    def looks(self, rules: Sequence[tuple[Rule, str]], organization: str, now: int) -> tuple[Charge, ...]:
        """Charges that take nothing."""
        return tuple(self._charge(rule, subject, 0, organization, now) for rule, subject in rules)

    def budgets(self, caller: Caller, now: int) -> Iterator[tuple[Rule, Charge]]:
        """Those that somebody is told of, with charges that take nothing."""
        found = self._budgets.get(caller.organization)
        for rule in found.seen_by(caller) if found is not None else ():
            if begun(rule, now):
                yield rule, self._budget(rule, NOTHING, rule.ceiling.value if rule.ceiling else "", now)[0]

    def spent(self, rule: Rule, nano_usd: int, now: int) -> tuple[str, str, tuple[Charge, Charge, Charge]]:
        """That so much of a budget was spent, as `Counters.raise_to` is told it."""
        ceiling = rule.ceiling
        if ceiling is None:
            raise ValueError(f"{rule.shown} is no budget")
        charge = self._budget(rule, NOTHING, ceiling.value, now)[0]
        tag = GLOBAL if self._global else ceiling.organization
        return tag, charge.subject, (spent_of(charge, nano_usd), charge, self._lease(ceiling.organization))

    def place(self, organization: str, own_only: bool) -> tuple[str, str, str]:
        """Where an organization's counters are: the tag, how their subjects begin, and how those of budgets do."""
        start = f"{organization}{_APART}" if self._global else ""
        tag = GLOBAL if self._global else organization
        return tag, f"{start}own:" if own_only else start, f"{start}{SUBJECTS}"

    def _prepared(self, organization: str, key: str) -> Prepared:
        rules = tuple(self._scaled(rule) for rule in self._effective(organization, key))
        caller = Caller(organization=organization, key=key)
        budgets = self._budgets.get(organization)
        simple = budgets is None and all(_depends_on_nothing(rule) for rule in rules)
        return Prepared(
            tag=GLOBAL if self._global else organization,
            rules=rules,
            fixed=tuple(self._charge(rule, self._subject(rule, caller, "", "") or "", 1, organization, 0)
                        for rule in rules) if simple else None,
            measured=budgets is not None or any(rule.unit in ("tokens", "cost_usd") for rule in rules),
            by_provider=any(rule.scope == "provider" for rule in (*rules, *(budgets.providers if budgets else ()))),
            settled=budgets is not None or any(rule.unit != "requests" for rule in rules),
            budgets=budgets,
        )  # fmt: skip

    def _add_budgets(
        self,
        budgets: Budgets,
        call: Call,
        demand: Demand,
        provider: str,
        now: int,
        rules: list[Rule],
        charges: list[Charge],
    ) -> None:
        spent = []
        for rule in budgets.of(call):
            if begun(rule, now):
                one, of_it = self._budget(rule, demand, provider, now)
                rules.append(rule)
                charges.append(one)
                spent.append(of_it)
        charges += spent

    def _budget(self, rule: Rule, demand: Demand, provider: str, now: int) -> tuple[Charge, Charge]:
        ceiling = rule.ceiling
        if ceiling is None:
            raise ValueError(f"{rule.shown} is no budget")
        name = f"{SUBJECTS}{_short(ceiling.id) if ' ' not in ceiling.id else _digest(ceiling.id)}"
        subject = f"{ceiling.organization}{_APART}{name}" if self._global else name
        return budget_charges(rule, subject, demand, provider, window(ceiling, self._zone(ceiling.organization), now))

    def _effective(self, organization: str, key: str) -> Iterator[Rule]:
        for one in effective(self._limits, self._overrides(organization), key):
            yield rule_of(one.limit, one.origin, one.key)

    def _scaled(self, rule: Rule) -> Rule:
        if self._share >= 1:
            return rule
        return replace(rule, limit=max(1, int(rule.limit * self._share)), burst=max(1, int(rule.burst * self._share)))

    def _subject(self, rule: Rule, caller: Caller, model: str, provider: str) -> str | None:
        if rule.scope == "global":
            return "g"
        name = _subject(rule.scope, caller, model, provider)
        if name is None:
            return None
        if rule.origin == "organization":
            name = f"own:{name}"
        return f"{caller.organization}{_APART}{name}" if self._global else name

    def _charge(self, rule: Rule, subject: str, amount: int, organization: str, now: int) -> Charge:
        if rule.kind is Kind.CALENDAR:
            start, end, after = calendar_window(rule.per, self._zone(organization), now)
            return Charge(subject=subject, field=rule.field, kind=rule.kind, limit=rule.limit, amount=amount,
                          window=rule.window, start=start, end=end, after=after)  # fmt: skip
        window = LEASE_MS if rule.kind is Kind.LEASE else rule.window
        return Charge(subject=subject, field=rule.field, kind=rule.kind, limit=rule.limit, amount=amount,
                      window=window, burst=rule.burst)  # fmt: skip

    def _lease(self, organization: str) -> Charge:
        subject = f"{organization}{_APART}o" if self._global else "o"
        return Charge(subject=subject, field="open", kind=Kind.LEASE, limit=UNLIMITED, amount=1, window=LEASE_MS)


def _depends_on_nothing(rule: Rule) -> bool:
    return (
        rule.unit == "requests"
        and rule.kind is not Kind.CALENDAR
        and rule.scope in ("organization", "key", "global")
        and rule.models is None
    )


def _subject(scope: str, caller: Caller, model: str, provider: str) -> str | None:
    if scope == "organization":
        return "o"
    if scope == "key":
        return f"k:{caller.key}"
    if scope == "user":
        return None if not caller.user else f"u:{_short(caller.user)}"
    if scope == "address":
        return None if not caller.address else f"a:{_short(caller.address)}"
    if scope == "model":
        return f"m:{_short(model)}" if model else "m:"
    return None if not provider else f"p:{_short(provider)}"


def _short(name: str) -> str:
    """Names that clients choose: whatever they hold, of bounded length."""
    if len(name) <= _LONGEST_NAME and name.isascii() and name.isprintable():
        return name
    return _digest(name)


def _digest(name: str) -> str:
    return "#" + sha256(name.encode("utf-8", "replace")).hexdigest()[:32]
