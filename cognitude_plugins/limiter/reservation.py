"""What a call has taken from its limits, and how that is put right when it is known what it used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .charge import Charge, Correction, Kind, Verdict
from .demand import Demand
from .rules import Rule
from .windows import taken_in


@dataclass(slots=True)
class Reservation:
    """Of one call. ``local`` when it was made without Redis; ``provider`` is whose limit it was counted to.

    ``more_nano_usd`` is what a stream has reserved beyond the first.
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
    settled: bool = False

    @property
    def open(self) -> bool:
        """Whether there is something to put right: not where requests alone are counted."""
        return len(self.charges) > len(self.rules) and not self.settled

    def more(self, unit_cost: int) -> tuple[Charge, ...]:
        """Charges for another ``unit_cost`` nano-dollars in every limit of cost."""
        pairs = zip(self.rules, self.charges, strict=False)
        return tuple(replace(charge, amount=unit_cost) for rule, charge in pairs if rule.unit == "cost_usd")

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
            if rule.scope == "provider" and charge.kind is not Kind.LEASE
        )

    def _corrections(self, tokens: int, cost: int, provider: str) -> Iterator[Correction]:
        yield Correction(charge=self.charges[-1], delta=-1)
        for index, rule in enumerate(self.rules):
            charge = self.charges[index]
            taken = charge.amount + (self.more_nano_usd if rule.unit == "cost_usd" else 0)
            wanted = {"tokens": tokens, "cost_usd": cost}.get(rule.unit, taken)
            if charge.kind is Kind.LEASE or (rule.scope == "provider" and provider not in ("", self.provider)):
                wanted = 0
            if wanted != taken:
                start = taken_in(charge, self.verdict.states[index])
                yield Correction(charge=charge, delta=wanted - taken, start=start)


def _of_provider(subject: str, provider: str) -> str:
    return f"{subject[: subject.rindex('p:')]}p:{provider}"


def leases(charges: Sequence[Charge]) -> tuple[Charge, ...]:
    return tuple(charge for charge in charges if charge.kind is Kind.LEASE)
