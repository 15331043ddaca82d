"""Users of an organization: unique names, roles that cap their keys', and no way to widen one's own rights by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Select, insert, select, update

from hooks import Role

from . import organizations
from .actor import Actor
from .page import Page, paged
from .records import RANK, User, is_id, models_of, user_of
from .refusals import Refusal, not_found
from .revision import next_revision
from .tables import ApiKey
from .tables import UserAccount as Table
from .tokens import new_id

_TABLE: Final = Table.__table__  # type: ignore[attr-defined]
_KEYS: Final = ApiKey.__table__  # type: ignore[attr-defined]


def create(connection: Connection, actor: Actor, *, organization: str, name: str, role: Role, now_ms: int) -> User:
    """Raises `Refusal` for an organization that cannot be used and a name that is taken."""
    revision = next_revision(connection)
    organizations.usable(connection, actor, organization)
    if named(connection, organization, name) is not None:
        message = f"The organization {organization!r} has a user {name!r} already."
        raise Refusal("conflict", message, code="already_exists", param="name")
    id = f"usr_{new_id()}"
    values = {"organization": organization, "name": name, "role": role, "status": "active", "created_ms": now_ms}
    connection.execute(insert(_TABLE).values(id=id, **values, revision=revision))
    return find(connection, actor, id)


def find(connection: Connection, actor: Actor, id: str) -> User:
    """Raises `Refusal`."""
    row = connection.execute(_visible(actor).where(_TABLE.c.id == id)).first() if is_id(id) else None
    if row is None:
        raise not_found("user", id)
    return user_of(row)


def named(connection: Connection, organization: str, name: str) -> User | None:
    question = select(_TABLE).where(_TABLE.c.organization == organization, _TABLE.c.name == name)
    row = connection.execute(question).first()
    return None if row is None else user_of(row)


def require(connection: Connection, organization: str, name: str) -> User:
    """Raises `Refusal`."""
    found = named(connection, organization, name)
    if found is None:
        message = f"The organization {organization!r} has no user {name!r}."
        raise Refusal("not_found", message, code="not_found", param="user")
    return found


def listed(connection: Connection, actor: Actor, page: Page) -> tuple[list[User], bool]:
    """In the order of their ids, and whether there are more."""
    rows, more = paged(connection, _visible(actor), _TABLE.c.id, page)
    return [user_of(row) for row in rows], more


def change(connection: Connection, actor: Actor, id: str, values: Mapping[str, Any]) -> User:
    """``values`` are some of ``role`` and ``status``. Raises `Refusal`."""
    revision = next_revision(connection)
    before = find(connection, actor, id)
    fields = {name: values[name] for name in ("role", "status") if name in values}
    if _raised(before, fields):
        _require_keys(connection, actor, id)
    connection.execute(update(_TABLE).where(_TABLE.c.id == id).values(**fields, revision=revision))
    return find(connection, actor, id)


def _visible(actor: Actor) -> Select[Any]:
    every = select(_TABLE)
    return every if actor.organization is None else every.where(_TABLE.c.organization == actor.organization)


def _raised(before: User, fields: Mapping[str, Any]) -> bool:
    enabled = before.status != "active" and fields.get("status") == "active"
    return enabled or RANK[fields.get("role", before.role)] > RANK[before.role]


def _require_keys(connection: Connection, actor: Actor, user_id: str) -> None:
    """His keys gain by it, and one of them may be in the same hands as the key that asks for it."""
    question = select(_KEYS.c.models, _KEYS.c.expires_ms).where(
        _KEYS.c.user_id == user_id, _KEYS.c.revoked_ms.is_(None)
    )
    for row in connection.execute(question):
        actor.require(models=models_of(row.models), expires_ms=row.expires_ms)
