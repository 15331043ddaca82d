"""What configuration and environment declare besides the database: keys, and the organizations they are of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Ids. A declared organization needs no row in the database; one that is disabled there is refused all the same."""

    keys: frozenset[str] = frozenset()
    organizations: frozenset[str] = frozenset()
