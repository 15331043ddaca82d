"""A rule and whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hooks import EVERY_ORGANIZATION

from .settings import Rule

DECLARED: Final = "yaml:"
"""What the id of a rule of plugins.yaml begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """``organization`` is `EVERY_ORGANIZATION` for one of the gateway's own."""

    id: str
    organization: str
    rule: Rule
    created_ms: int | None = None
    updated_ms: int | None = None

    @property
    def declared(self) -> bool:
        """In plugins.yaml: it cannot be changed through the API."""
        return self.id.startswith(DECLARED)

    @property
    def together(self) -> bool:
        """All organizations are one subject."""
        return self.organization == EVERY_ORGANIZATION and self.rule.scope == "all"

    def subjects(self, organizations: tuple[str, ...]) -> tuple[str, ...]:
        """Those it is looked at for, of the organizations that there are."""
        if self.together:
            return (EVERY_ORGANIZATION,)
        if self.organization == EVERY_ORGANIZATION:
            return organizations
        return (self.organization,) if self.organization in organizations else ()
