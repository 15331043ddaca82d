"""What a summary is of: the ledger's sums of its days and of those before, budgets and open alerts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, func, select

from hooks import EVERY_ORGANIZATION, Gateway, Part, Sums

from ..budgets.standing import Standing
from ..tables import Alert
from .due import Span

MOST: Final = 5
"""Models, keys, organizations, budgets and alerts that are named."""

_ALERT: Final[Any] = Alert.__table__  # type: ignore[attr-defined]
_SEVERITIES: Final = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class OpenAlert:
    organization: str
    severity: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """``this`` is of the span, ``before`` of as many days before. The dearest and the worst are first in each list;
    ``open_count`` is how many alerts are open in all.
    """

    span: Span
    this: Sums
    before: Sums
    models: Sequence[Sums] = ()
    keys: Sequence[Sums] = ()
    organizations: Sequence[Sums] = ()
    budgets: Sequence[Standing] = ()
    alerts: Sequence[OpenAlert] = ()
    open_count: int = 0
    parts: Sequence[Part] = field(default=())

    @property
    def empty(self) -> bool:
        """Without calls; of a week, in the one before neither."""
        return not self.this.calls and (self.span.kind == "daily" or not self.before.calls)


async def figures(gateway: Gateway, span: Span, standings: Callable[[str], Awaitable[Sequence[Standing]]]) -> Figures:
    """Without the parts of other plugins. Raises `hooks.Unavailable`, `hooks.Unanswerable`."""
    organization, ledger = span.organization, gateway.ledger
    everybody = organization == EVERY_ORGANIZATION
    [this] = await ledger.usage(organization, since=span.since, until=span.until)
    [before] = await ledger.usage(organization, since=span.before, until=span.since)
    found = Figures(span=span, this=this, before=before)
    if found.empty:
        return found

    async def top(dimension: str) -> Sequence[Sums]:
        groups = await ledger.usage(organization, since=span.since, until=span.until, group_by=(dimension,))
        return sorted(groups, key=lambda one: (-one.cost_nano_usd, -one.calls))[:MOST]

    count, alerts = await gateway.database.read(organization, lambda connection: _open(connection, organization))
    return Figures(
        span=span,
        this=this,
        before=before,
        models=await top("model"),
        keys=() if everybody else await top("key"),
        organizations=await top("organization") if everybody else (),
        budgets=_worst(await standings(organization)),
        alerts=alerts,
        open_count=count,
    )


def _worst(standings: Sequence[Standing]) -> list[Standing]:
    known = [one for one in standings if one.share.budget.enabled and one.percent is not None]
    return sorted(known, key=lambda one: -(one.percent or 0))[:MOST]


def _open(connection: Connection, organization: str) -> tuple[int, list[OpenAlert]]:
    """Their number, and the worst of them."""
    mine = [_ALERT.c.state.in_(("firing", "acknowledged"))]
    if organization != EVERY_ORGANIZATION:
        mine.append(_ALERT.c.organization == organization)
    count = connection.execute(select(func.count()).select_from(_ALERT).where(*mine)).scalar_one()
    found: list[OpenAlert] = []
    for severity in _SEVERITIES:
        columns = (_ALERT.c.organization, _ALERT.c.severity, _ALERT.c.title)
        ordered = select(*columns).where(*mine, _ALERT.c.severity == severity).order_by(_ALERT.c.pending_ms.desc())
        rows = connection.execute(ordered.limit(MOST - len(found)))
        found += [OpenAlert(row.organization, row.severity, row.title) for row in rows]
    return int(count), found
