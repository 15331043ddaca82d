"""Which cheaper model may stand in for another, by what is known: what it can do, and who has used it for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from hooks import Deployment

from .cells import Cell, Traffic
from .pricing import Prices, Tokens

_CLASSES: Final = {"simple": 0, "medium": 1, "complex": 2}
LEAST_CALLS: Final = 20
"""Good answers of a model to an organization's calls of a class, or a harder one, that show that it serves them."""
_UNKNOWN_SPREAD: Final = 1.25
"""How much longer a model's answers are taken to be, cautiously, where nothing is known of them."""
_ASKED_OF_ANY: Final = frozenset({"tools", "vision", "json_schema", "audio", "pdf"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    prices: Prices
    served: Counter[tuple[str, int]] = field(default_factory=Counter)
    answers: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    tokens: Counter[tuple[str, str | None]] = field(default_factory=Counter)

    @classmethod
    def of(cls, traffic: Traffic, prices: Prices) -> Fitting:
        found = cls(prices=prices)
        for cell in traffic.cells:
            hardness = _CLASSES.get(cell.complexity or "", 0 if cell.short else 1)
            found.served[cell.deployment, hardness] += cell.calls
            found.answers[cell.deployment, cell.complexity] += cell.calls
            found.tokens[cell.deployment, cell.complexity] += cell.completion
        return found

    def best(
        self, deployment: str, requested_model: str, complexity: str | None, cells: Sequence[Cell]
    ) -> Deployment | None:
        """The cheapest that may answer these calls of the deployment; None where none is cheaper."""
        here = self.prices.deployments.get(deployment)
        if here is None:
            return None
        longest, answer = max(cell.longest for cell in cells), max(cell.end for cell in cells)
        cheapest, least = None, sum(cell.cost for cell in cells)
        for other in self._candidates(requested_model, _CLASSES.get(complexity or "", 0)):
            if other.model != here.model and self._can(other, here, longest, answer):
                cost = self.cost(other.id, cells)
                if cost is not None and cost < least:
                    cheapest, least = other, cost
        return cheapest

    def cost(self, deployment: str, cells: Iterable[Cell], factor: float = 1) -> int | None:
        costs = [self.prices.cost(deployment, Tokens.of(cell).answered_with(factor)) for cell in cells]
        return None if None in costs else sum(one for one in costs if one is not None)

    def spread(self, deployment: str, other: str, complexity: str | None) -> tuple[float, float]:
        """Times the other's answers are as long, boldly and cautiously."""
        calls, others = self.answers[deployment, complexity], self.answers[other, complexity]
        if min(calls, others) < LEAST_CALLS or not self.tokens[deployment, complexity]:
            return 1.0, _UNKNOWN_SPREAD
        ratio = self.tokens[other, complexity] * calls / (others * self.tokens[deployment, complexity])
        return min(1.0, ratio), max(1.0, ratio)

    def _candidates(self, requested_model: str, hardness: int) -> list[Deployment]:
        """Those that the operator put behind the alias, and those that serve such calls of this organization."""
        behind = {one.id for one in self.prices.gateway.models.get(requested_model, ())}
        return [
            one
            for id, one in sorted(self.prices.deployments.items())
            if id in behind or sum(self.served[id, level] for level in range(hardness, 3)) >= LEAST_CALLS
        ]

    def _can(self, other: Deployment, here: Deployment, longest: int, answer: int) -> bool:
        """Whether nothing says that it cannot do what was done here."""
        known, traits = self.prices.gateway.traits(here), self.prices.gateway.traits(other)
        needed = (known.capabilities or frozenset()) & _ASKED_OF_ANY
        return (
            (traits.context_tokens is None or longest <= traits.context_tokens)
            and (traits.output_tokens is None or answer <= traits.output_tokens)
            and all(traits.can(one) is not False for one in needed)
        )
