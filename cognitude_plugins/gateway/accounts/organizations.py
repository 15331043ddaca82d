"""Organizations: who may see them, what may be changed, and that their ids are unique."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from .actor import Actor
from .page import Page, paged
from .records import Organization, is_id, organization_of
from .refusals import Refusal, nearest, not_found
from .revision import next_revision
from .tables import Organization as Table

_TABLE: Final = Table.__table__  # type: ignore[attr-defined]
_LONGEST: Final = 100


def create(
    connection: Connection, *, name: str, id: str | None = None, time_zone: str = "UTC", now_ms: int
) -> Organization:
    """Without ``id`` one is made of the name. Raises `Refusal` for an id that is taken."""
    revision = next_revision(connection)
    if id is None:
        id = next(one for one in _ids(name) if not _taken(connection, one))
    elif _taken(connection, id):
        raise Refusal("conflict", f"There is an organization {id!r} already.", code="already_exists", param="id")
    made = Organization(id=id, name=name, status="active", time_zone=time_zone, created_ms=now_ms)
    connection.execute(
        insert(_TABLE).values(
            id=id, name=name, status="active", time_zone=time_zone, created_ms=now_ms, revision=revision
        )
    )
    return made


def find(connection: Connection, actor: Actor, id: str) -> Organization:
    """Raises `Refusal`."""
    visible = is_id(id) and actor.organization in (None, id)
    row = connection.execute(select(_TABLE).where(_TABLE.c.id == id)).first() if visible else None
    if row is None:
        raise not_found("organization", id)
    return organization_of(row)


def listed(connection: Connection, actor: Actor, page: Page) -> tuple[list[Organization], bool]:
    """In the order of their ids, and whether there are more."""
    question = select(_TABLE)
    if actor.organization is not None:
        question = question.where(_TABLE.c.id == actor.organization)
    rows, more = paged(connection, question, _TABLE.c.id, page)
    return [organization_of(row) for row in rows], more


def change(connection: Connection, actor: Actor, id: str, values: Mapping[str, Any]) -> Organization:
    """``values`` are some of ``name``, ``time_zone`` and ``status``. Raises `Refusal`."""
    revision = next_revision(connection)
    find(connection, actor, id)
    fields = {name: values[name] for name in ("name", "time_zone", "status") if name in values}
    connection.execute(update(_TABLE).where(_TABLE.c.id == id).values(**fields, revision=revision))
    return find(connection, actor, id)


def usable(connection: Connection, actor: Actor, id: str) -> Organization:
    """The organization, for something to be made in it. Raises `Refusal` naming the nearest to who may see all."""
    try:
        found = find(connection, actor, id)
    except Refusal as refusal:
        near = _nearest(connection, id) if actor.organization is None else None
        hint = f" Did you mean {near!r}?" if near else ""
        raise Refusal("not_found", refusal.message + hint, code="not_found", param="organization") from None
    if found.status != "active":
        message = f"The organization {id!r} is disabled."
        raise Refusal("conflict", message, code="organization_disabled", param="organization")
    return found


def _nearest(connection: Connection, id: str) -> str | None:
    return nearest(id, list(connection.execute(select(_TABLE.c.id)).scalars()))


def _taken(connection: Connection, id: str) -> bool:
    return connection.execute(select(_TABLE.c.id).where(_TABLE.c.id == id)).first() is not None


def _ids(name: str) -> Iterator[str]:
    """``Acme & Sons`` is ``acme-sons``, then ``acme-sons-2`` and so on."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())[:_LONGEST].strip("-") or "organization"
    yield slug
    yield from (f"{slug}-{number}" for number in count(2))
