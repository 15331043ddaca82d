"""Alerts as they are listed: those that are open first, the newest first within each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, or_, select

from .standing import Standing
from .stored import ALERT, standing

_OVER = case((ALERT.c.state == "resolved", 1), else_=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """``organization`` None is all of them; ``rule`` is a rule's id, ``after`` an alert's: what was shown before."""

    organization: str | None
    state: str | None = None
    severity: str | None = None
    rule: str | None = None
    since_ms: int | None = None
    limit: int = 100
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    alert: Standing
    updated_ms: int


def listed(connection: Connection, wanted: Wanted) -> tuple[list[Listed], bool]:
    """A page, and whether there are more."""
    question = select(ALERT).order_by(_OVER, ALERT.c.pending_ms.desc(), ALERT.c.id.desc())
    for name, value in _equal(wanted).items():
        question = question.where(ALERT.c[name] == value)
    if wanted.state == "open":
        question = question.where(ALERT.c.state != "resolved")
    if wanted.since_ms is not None:
        question = question.where(ALERT.c.pending_ms >= wanted.since_ms)
    if wanted.after:
        question = _behind(connection, question, wanted)
    rows = connection.execute(question.limit(wanted.limit + 1)).mappings().all()
    found = [Listed(alert=standing(dict(row)), updated_ms=row["updated_ms"]) for row in rows[: wanted.limit]]
    return found, len(rows) > wanted.limit


def one_listed(connection: Connection, organization: str | None, id: str) -> Listed | None:
    question = select(ALERT).where(ALERT.c.id == id)
    if organization is not None:
        question = question.where(ALERT.c.organization == organization)
    row = connection.execute(question).mappings().first()
    return None if row is None else Listed(alert=standing(dict(row)), updated_ms=row["updated_ms"])


def _equal(wanted: Wanted) -> Mapping[str, str]:
    state = None if wanted.state == "open" else wanted.state
    given = {
        "organization": wanted.organization,
        "state": state,
        "severity": wanted.severity,
        "rule": wanted.rule,
    }
    return {name: value for name, value in given.items() if value is not None}


def _behind(connection: Connection, question: Any, wanted: Wanted) -> Any:
    """Nothing behind one that is not there any more, or is another organization's."""
    place_of = select(_OVER.label("over"), ALERT.c.pending_ms, ALERT.c.id).where(ALERT.c.id == wanted.after)
    if wanted.organization is not None:
        place_of = place_of.where(ALERT.c.organization == wanted.organization)
    place = connection.execute(place_of).first()
    if place is None:
        return question.where(ALERT.c.id.is_(None))
    older = or_(
        ALERT.c.pending_ms < place.pending_ms, and_(ALERT.c.pending_ms == place.pending_ms, ALERT.c.id < place.id)
    )
    return question.where(or_(place.over < _OVER, and_(place.over == _OVER, older)))
