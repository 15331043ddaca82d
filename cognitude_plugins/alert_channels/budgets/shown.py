"""Budgets and how they stand, as the API's answers have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from hooks import EVERY_ORGANIZATION

from ..dollars import exact_usd
from ..tables import Alert
from .bodies import AlertBody, BudgetBody, StandingBody, ThresholdBody
from .owned import Owned
from .standing import Standing

MOST_ALERTS: Final = 50

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ALERT: Final[Any] = Alert.__table__  # type: ignore[attr-defined]


def shown(owned: Owned, standing: Standing | None, *, writable: bool, warning: str | None) -> BudgetBody:
    budget = owned.budget
    fixed = owned.organization if owned.organization != EVERY_ORGANIZATION else None
    return BudgetBody(
        id=owned.id,
        organization=owned.organization,
        of=fixed if standing is None else standing.share.organization,
        name=budget.name,
        amount_usd=exact_usd(budget.nano_usd),
        per=budget.per,
        since=budget.since,
        scope=budget.scope,
        value=budget.value,
        thresholds=[ThresholdBody(percent=float(one.percent), severity=one.severity) for one in budget.thresholds],
        forecast=budget.forecast,
        hard=budget.hard,
        status=budget.status,
        channels=list(budget.channels),
        enabled=budget.enabled,
        by=owned.by,
        writable=writable,
        created_at=moment(owned.created_ms),
        updated_at=moment(owned.updated_ms),
        standing=None if standing is None else _standing(standing),
        warning=warning,
    )


def alerts(connection: Connection, organization: str, id: str) -> Sequence[AlertBody]:
    """The history of one budget's alerts; with `EVERY_ORGANIZATION` of every organization."""
    prefix = f"budget:{id}:"
    mine = [_ALERT.c.rule.startswith(prefix, autoescape=True)]
    if organization != EVERY_ORGANIZATION:
        mine.append(_ALERT.c.organization == organization)
    found = select(_ALERT).where(*mine).order_by(_ALERT.c.pending_ms.desc(), _ALERT.c.id.desc()).limit(MOST_ALERTS)
    return [
        AlertBody(
            id=row.id,
            threshold=row.rule.removeprefix(prefix),
            state=row.state,
            severity=row.severity,
            title=row.title,
            fired_at=moment(row.fired_ms),
            resolved_at=moment(row.resolved_ms),
        )
        for row in connection.execute(found)
    ]


def moment(ms: int | None) -> str | None:
    """``2026-11-21T07:15:23.123Z``."""
    if not ms:
        return None
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _standing(one: Standing) -> StandingBody:
    return StandingBody(
        period=one.period.name,
        period_start=one.period.start,
        period_end=one.period.end,
        time_zone=one.zone,
        spent_usd=_usd(one.spent),
        left_usd=_usd(one.left),
        percent=None if one.percent is None else float(one.percent),
        forecast_usd=_usd(one.forecast),
        exhausted_on=one.exhausted_on,
        state=one.state,
        unanswerable=one.why or None,
    )


def _usd(nano: int | None) -> str | None:
    return None if nano is None else exact_usd(nano)
