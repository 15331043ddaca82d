"""What many organizations, keys, users, tags and providers have spent, in few questions to the ledger.

It is the ledger's answer and nothing is kept of it: there is no second book.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hooks import EVERY_ORGANIZATION, Ledger, Sums
from hooks.errors import Unanswerable

from .settings import Scope

FEW: Final = 3
"""So many are asked for one by one: a question of every organization reads the sums of all keys, users or tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Of ``[since, until)``; without ``until`` up to now."""

    organization: str
    scope: Scope
    value: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The ledger cannot say; ``why`` it cannot."""

    why: str


async def sums_of(ledger: Ledger, asks: Sequence[Ask]) -> list[Sums | Unknown]:
    """An answer to each. What is of one time and scope is one question, whosever it is, unless it is very little.

    Raises `hooks.Unavailable`.
    """
    batches: dict[tuple[Scope, datetime, datetime | None], list[Ask]] = {}
    for one in asks:
        batches.setdefault((one.scope, one.since, one.until), []).append(one)
    found: dict[Ask, Sums | Unknown] = {}
    for batch in batches.values():
        try:
            found |= await _answers(ledger, list(dict.fromkeys(batch)))
        except Unanswerable as error:
            found |= dict.fromkeys(batch, Unknown(str(error)))
    return [found[one] for one in asks]


async def _answers(ledger: Ledger, batch: Sequence[Ask]) -> Mapping[Ask, Sums]:
    """Of asks that differ in their organization and value only."""
    first = batch[0]
    if len(batch) <= FEW:
        return {one: await _alone(ledger, one) for one in batch}
    organizations = {one.organization for one in batch}
    whose = next(iter(organizations)) if len(organizations) == 1 else EVERY_ORGANIZATION
    dimensions: tuple[str, ...] = ("organization",) if whose == EVERY_ORGANIZATION else ()
    dimensions += () if first.scope == "organization" else (first.scope,)
    groups = await ledger.usage(whose, since=first.since, until=first.until, group_by=dimensions)
    by_name = {(one.group.get("organization", whose), one.group.get(first.scope, "")): one for one in groups}
    nothing = Sums(group={})
    return {one: by_name.get((one.organization, _name(one)), nothing) for one in batch}


async def _alone(ledger: Ledger, one: Ask) -> Sums:
    filters: dict[str, Any] = {} if one.scope == "organization" else {one.scope: one.value}
    [found] = await ledger.usage(one.organization, since=one.since, until=one.until, **filters)
    return found


def _name(one: Ask) -> str:
    """What stands in the group's column of the scope."""
    return one.organization if one.scope == "organization" else one.value
