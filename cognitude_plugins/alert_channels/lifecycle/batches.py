"""How much is written in one transaction: a rule of an organization is never torn apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from .plan import Outcome

MOST: Final = 100
"""Alerts and notices, about: the database has two seconds for a transaction, on a busy machine too."""

Part = tuple[str, frozenset[str] | None]
"""An organization, and of which rules; None for all."""


def parts_of(organization: str, outcome: Outcome) -> list[tuple[Part, int]]:
    """The parts of an organization that are written each at once, with how much there is to be written."""
    sizes = Counter(one.rule for some in (outcome.added, outcome.changed, outcome.forgotten) for one in some)
    sizes.update(one.rule for notice in outcome.notices for one in notice.alerts)
    if sizes.total() <= MOST:
        return [((organization, None), sizes.total())] if sizes else []
    return [((organization, frozenset((rule,))), size) for rule, size in sorted(sizes.items())]


def batched(sizes: Iterable[tuple[Part, int]]) -> list[tuple[Part, ...]]:
    batches: list[tuple[Part, ...]] = []
    batch: list[Part] = []
    left = MOST
    for part, size in sizes:
        if batch and size > left:
            batches.append(_joined(batch))
            batch, left = [], MOST
        batch.append(part)
        left -= size
    return [*batches, _joined(batch)] if batch else batches


def _joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Those of one organization as one."""
    found: dict[str, frozenset[str] | None] = {}
    for name, rules in parts:
        before = found.get(name, frozenset())
        found[name] = None if rules is None or before is None else before | rules
    return tuple(found.items())
