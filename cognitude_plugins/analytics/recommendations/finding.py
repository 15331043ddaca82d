"""What a rule finds in an organization's traffic: a recommendation before it is known whether it is worth showing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from .cells import Group, Traffic
from .monthly import Saving
from .pricing import Prices

Kind = Literal["cache_opportunity", "model_downgrade", "smart_routing", "max_tokens", "prompt_patterns"]
TITLES: Final[Mapping[Kind, str]] = {
    "cache_opportunity": "Cache repeated calls",
    "model_downgrade": "Use a cheaper model",
    "smart_routing": "Route by complexity",
    "max_tokens": "Set the limit on answers",
    "prompt_patterns": "Use beginnings that repeat",
}
Owned = Callable[[Group, int], bool]
"""Whether calls of this group that are repeats, or not, are counted by an earlier rule already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``total`` is the part of the saving's month on calls that no earlier rule has counted.

    ``evidence`` are counts of calls, tokens and nano-dollars by name, ``examples`` request digests that the ledger's
    export has too, ``yaml`` what to put into ``plugins.yaml``. ``groups`` are those that this rule takes as a whole.
    """

    kind: Kind
    rule: str
    summary: str
    saving: Saving
    total: int
    evidence: Mapping[str, int | str]
    examples: Sequence[int]
    yaml: str
    groups: frozenset[Group] = frozenset()


Rule = Callable[[Traffic, Prices, Owned], Finding | None]
"""None where there is nothing to save."""
