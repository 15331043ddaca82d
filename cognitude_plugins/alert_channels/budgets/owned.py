"""A budget with whose it is and who set it, and what it is for one organization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from hooks import EVERY_ORGANIZATION

from .settings import Budget, DeclaredBudget

By = Literal["configuration", "operator", "organization"]

DECLARED: Final = "yaml:"
RULE: Final = "budget:"
FORECAST: Final = "forecast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """``organization`` is `EVERY_ORGANIZATION` for one that each has apart; ``by`` is who set it, and who may change
    it: what an operator set is not the organization's to change.
    """

    id: str
    organization: str
    by: By
    budget: Budget
    created_ms: int = 0
    updated_ms: int = 0

    def within(self, organization: str) -> bool:
        return self.organization in (EVERY_ORGANIZATION, organization)

    def rule(self, what: str) -> str:
        """The rule's id of one threshold (``80``) or the ``forecast``."""
        return f"{RULE}{self.id}:{what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A budget as one organization has it."""

    owned: Owned
    organization: str

    @property
    def budget(self) -> Budget:
        return self.owned.budget

    @property
    def key(self) -> tuple[str, str]:
        return self.organization, self.owned.id


def declared(budgets: Sequence[DeclaredBudget]) -> tuple[Owned, ...]:
    """Those of ``plugins.yaml``."""
    return tuple(
        Owned(
            id=f"{DECLARED}{one.name}",
            organization=one.organization,
            by="configuration",
            budget=Budget.model_validate(one.model_dump(exclude={"organization"})),
        )
        for one in budgets
    )


def shares(budgets: Sequence[Owned], organizations: Sequence[str]) -> list[Share]:
    """One for each organization that has it: those of `EVERY_ORGANIZATION` many times."""
    return [
        Share(owned=one, organization=organization)
        for one in budgets
        for organization in (organizations if one.organization == EVERY_ORGANIZATION else (one.organization,))
    ]


def dated(budget: Budget, day: date) -> Budget:
    """A total that does not say since when counts from this day on."""
    return budget.model_copy(update={"since": day}) if budget.per == "total" and budget.since is None else budget
