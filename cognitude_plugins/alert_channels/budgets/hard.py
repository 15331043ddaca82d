"""Hard budgets as ceilings, which the plugin that limits spending holds calls to: nothing is counted here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hooks import Ceiling, Gateway

from ..local_days import begun
from .owned import Owned, Share, shares

MISSING = (
    "no plugin of this gateway holds calls to hard budgets: calls beyond them are not refused. "
    "The plugin 'limiter' does, once it is in the pipeline."
)


def ceilings(budgets: Sequence[Owned], organizations: Sequence[str], zone: Callable[[str], str]) -> list[Ceiling]:
    hard = [one for one in budgets if one.budget.hard and one.budget.enabled]
    return [_ceiling(one, zone(one.organization)) for one in shares(hard, organizations)]


def publish(gateway: Gateway, publisher: str, budgets: Sequence[Owned]) -> bool:
    """Whether there are any."""
    found = ceilings(budgets, gateway.organizations(), gateway.time_zone)
    gateway.ceilings.publish(publisher, found)
    return bool(found)


def _ceiling(share: Share, zone: str) -> Ceiling:
    budget = share.budget
    return Ceiling(
        id=share.owned.id,
        organization=share.organization,
        nano_usd=budget.nano_usd,
        per=budget.per,
        scope=budget.scope,
        value=budget.value,
        since=None if budget.since is None else begun(budget.since, zone),
        name=budget.name,
        status=budget.status,
    )
