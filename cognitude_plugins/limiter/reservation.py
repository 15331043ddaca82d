"""What a call has taken from its limits, and how that is put right when it is known what it used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .ceilings import elsewhere
from .charge import Charge, Correction, Kind, Verdict
from .demand import Demand
from .rules import Rule
from .windows import taken_in


@dataclass(slots=True)
class Reservation:
    """Of one call. ``local`` when it was made without Redis; ``provider`` is whose limit it was counted to.

    ``more_nano_usd`` is what a stream has reserved beyond the first, ``more_held`` the same of budgets. Charges of
    rules come first, then those of what was spent of budgets, then the lease.
    """

    id: str
    tag: str
    rules: tuple[Rule, ...]
    charges: tuple[Charge, ...]
    verdict: Verdict
    demand: Demand
    provider: str
    local: bool
    full: frozenset[str] = frozenset()
    more_nano_usd: int = 0
    more_held: int = 0
    settled: bool = False

    @property
    def open(self) -> bool:
        """Whether there is something to put right: not where requests alone are counted."""
        return len(self.charges) > len(self.rules) and not self.settled

    def more(self, unit_cost: int) -> tuple[Charge, ...]:
        """Charges for another ``unit_cost`` nano-dollars in every limit of cost.

        Budgets hold more already than they had to have room for: nothing is added until that is used up.
        """
        pairs = zip(self.rules, self.charges, strict=False)
        return tuple(
            replace(charge, amount=unit_cost) if rule.ceiling is None else self._more_of(charge, unit_cost)
            for rule, charge in pairs
            if rule.unit == "cost_usd" and not elsewhere(rule, self.provider)
        )

    def took(self, unit_cost: int) -> None:
        """What `more` asked for was there."""
        self.more_held += max(0, self._needed(unit_cost))
        self.more_nano_usd += unit_cost

    def spent_elsewhere(self) -> frozenset[str]:
        """Providers whose budgets have no room for it, of those that it was not counted to."""
        return frozenset(
            rule.ceiling.value
            for rule, charge, state in zip(self.rules, self.charges, self.verdict.states, strict=False)
            if rule.ceiling is not None
            and elsewhere(rule, self.provider)
            and charge.limit - state.remaining + self.demand.needed > rule.limit
        )

    def corrections(self, tokens: int, cost: int, provider: str) -> tuple[Correction, ...]:
        """To what was used, first the lease that makes a second settlement do nothing.

        What was counted to another provider's limit than the one that answered is given back there.
        """
        return tuple(self._corrections(tokens, cost, provider))

    def moved(self, tokens: int, cost: int, provider: str) -> tuple[Charge, ...]:
        """What is to be counted to the provider that answered, if it was counted to another one."""
        if provider in ("", self.provider):
            return ()
        amounts = {"tokens": tokens, "cost_usd": cost}
        pairs = zip(self.rules, self.charges, strict=False)
        return tuple(
            replace(
                charge, subject=_of_provider(charge.subject, provider), amount=amounts.get(rule.unit, charge.amount)
            )
            for rule, charge in pairs
            if rule.scope == "provider" and rule.ceiling is None and charge.kind is not Kind.LEASE
        )

    def _needed(self, unit_cost: int) -> int:
        """Beyond what is held already; below zero while that is enough."""
        return self.demand.needed + self.more_nano_usd + unit_cost - self.demand.held - self.more_held

    def _more_of(self, charge: Charge, unit_cost: int) -> Charge:
        needed = self._needed(unit_cost)
        taken = max(0, needed)
        beyond = taken - needed
        return replace(charge, amount=taken, beyond=beyond, limit=charge.limit - charge.beyond + beyond)

    def _corrections(self, tokens: int, cost: int, provider: str) -> Iterator[Correction]:
        yield Correction(charge=self.charges[-1], delta=-1)
        for index, rule in enumerate(self.rules):
            charge = self.charges[index]
            if rule.ceiling is not None:
                continue
            taken = charge.amount + (self.more_nano_usd if rule.unit == "cost_usd" else 0)
            wanted = {"tokens": tokens, "cost_usd": cost}.get(rule.unit, taken)
            if charge.kind is Kind.LEASE or (rule.scope == "provider" and provider not in ("", self.provider)):
                wanted = 0
            if wanted != taken:
                start = taken_in(charge, self.verdict.states[index])
                yield Correction(charge=charge, delta=wanted - taken, start=start)
        yield from self._of_budgets(cost, provider or self.provider)

    def _of_budgets(self, cost: int, provider: str) -> Iterator[Correction]:
        budgets = sum(rule.ceiling is not None for rule in self.rules)
        for index in range(len(self.rules) - budgets, len(self.rules)):
            rule, charge = self.rules[index], self.charges[index]
            taken = charge.amount + (0 if elsewhere(rule, self.provider) else self.more_held)
            wanted = 0 if elsewhere(rule, provider) else cost
            start = taken_in(charge, self.verdict.states[index])
            if wanted != taken:
                yield Correction(charge=charge, delta=wanted - taken, start=start)
            if wanted:
                yield Correction(charge=self.charges[index + budgets], delta=wanted, start=start)


def _of_provider(subject: str, provider: str) -> str:
    return f"{subject[: subject.rindex('p:')]}p:{provider}"


def leases(charges: Sequence[Charge]) -> tuple[Charge, ...]:
    return tuple(charge for charge in charges if charge.kind is Kind.LEASE)
