"""Keys: made, changed, rotated and revoked; each rule in one place, for the API and for the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Select, insert, or_, select, update

from hooks import Role

from . import organizations, users
from .actor import Actor
from .page import Page, paged
from .records import Key, is_id, key_of
from .refusals import Refusal, invalid, not_found
from .revision import next_revision
from .secret_keys import SecretKeys
from .tables import ApiKey, UserAccount
from .tokens import Token, digest, new_token

_TABLE: Final = ApiKey.__table__  # type: ignore[attr-defined]
_USERS: Final = UserAccount.__table__  # type: ignore[attr-defined]

OVERLAP_SECONDS: Final = 86_400
"""How long the old secret works beside the new one unless said otherwise: a day to roll out the new one."""

LONGEST_OVERLAP_SECONDS: Final = 30 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What may be chosen of a key. ``organization`` is None for a gateway-admin key, ``user`` a user's name."""

    organization: str | None
    role: Role = "member"
    user: str | None = None
    label: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] | None = None
    expires_ms: int | None = None


def create(connection: Connection, actor: Actor, secrets: SecretKeys, new: NewKey, now_ms: int) -> tuple[Key, Token]:
    """The key and its secret, which nobody can ever tell again. Raises `Refusal`."""
    revision = next_revision(connection)
    user_id = _owner(connection, actor, new)
    _require_future(new.expires_ms, now_ms)
    actor.require(models=new.models, expires_ms=new.expires_ms)
    token = new_token()
    connection.execute(
        insert(_TABLE).values(
            id=token.id,
            organization=new.organization,
            kind="gateway_admin" if new.organization is None else "organization",
            role="admin" if new.organization is None else new.role,
            user_id=user_id,
            label=new.label,
            labels=json.dumps(dict(new.labels)),
            models=_json(new.models),
            digest=digest(secrets.current.pepper, token.text),
            pepper=secrets.current.id,
            created_ms=now_ms,
            expires_ms=new.expires_ms,
            revision=revision,
        )
    )
    return find(connection, actor, token.id), token


def find(connection: Connection, actor: Actor, id: str) -> Key:
    """Raises `Refusal`."""
    row = connection.execute(_visible(actor).where(_TABLE.c.id == id)).first() if is_id(id) else None
    if row is None:
        raise not_found("key", id)
    return key_of(row)


def listed(connection: Connection, actor: Actor, page: Page) -> tuple[list[Key], bool]:
    """In the order of their ids, revoked ones too, and whether there are more."""
    rows, more = paged(connection, _visible(actor), _TABLE.c.id, page)
    return [key_of(row) for row in rows], more


def change(connection: Connection, actor: Actor, id: str, values: Mapping[str, Any], now_ms: int) -> Key:
    """``values`` are some of ``label``, ``labels``, ``role``, ``models`` and ``expires_ms``. Raises `Refusal`."""
    revision = next_revision(connection)
    before = _unrevoked(connection, actor, id)
    if before.kind == "gateway_admin":
        for name in {"role", "models"} & values.keys():
            raise invalid(name, f"A gateway-admin key has no {name} to change.")
    if "expires_ms" in values:
        _require_future(values["expires_ms"], now_ms)
    if {"role", "models", "expires_ms"} & values.keys():
        expires_ms = values.get("expires_ms", before.expires_ms)
        actor.require(models=values.get("models", before.models), expires_ms=expires_ms)
    fields = {name: values[name] for name in ("label", "role", "expires_ms") if name in values}
    if "labels" in values:
        fields["labels"] = json.dumps(dict(values["labels"]))
    if "models" in values:
        fields["models"] = _json(values["models"])
    connection.execute(update(_TABLE).where(_TABLE.c.id == id).values(**fields, revision=revision))
    return find(connection, actor, id)


def rotate(
    connection: Connection, actor: Actor, secrets: SecretKeys, id: str, now_ms: int, overlap_seconds: int
) -> tuple[Key, Token]:
    """A new secret for the key; the present one works for ``overlap_seconds`` more, the one before it no longer."""
    revision = next_revision(connection)
    before = _unrevoked(connection, actor, id)
    if before.status(now_ms) == "expired":
        raise Refusal("conflict", f"The key {id!r} has expired.", code="key_expired")
    actor.require(models=before.models, expires_ms=before.expires_ms)
    token = new_token(id)
    kept = overlap_seconds > 0
    connection.execute(
        update(_TABLE)
        .where(_TABLE.c.id == id)
        .values(
            previous_digest=_TABLE.c.digest if kept else None,
            previous_pepper=_TABLE.c.pepper if kept else None,
            previous_until_ms=now_ms + overlap_seconds * 1000 if kept else None,
            digest=digest(secrets.current.pepper, token.text),
            pepper=secrets.current.id,
            revision=revision,
        )
    )
    return find(connection, actor, id), token


def revoke(connection: Connection, actor: Actor, id: str, now_ms: int, *, keep_last: bool = True) -> Key:
    """For ever. A key that is revoked already stays as it is.

    With ``keep_last`` the last gateway-admin key that works is not revoked: `Refusal`.
    """
    revision = next_revision(connection)
    before = find(connection, actor, id)
    if before.revoked_ms is not None:
        return before
    if keep_last and before.kind == "gateway_admin" and not _other_admin(connection, id, now_ms):
        message = "This is the last gateway-admin key; make another before you revoke it."
        raise Refusal("conflict", message, code="last_admin_key")
    connection.execute(update(_TABLE).where(_TABLE.c.id == id).values(revoked_ms=now_ms, revision=revision))
    return find(connection, actor, id)


def _visible(actor: Actor) -> Select[Any]:
    """Keys with their users' names. Gateway-admin keys exist for gateway admins who act for no organization."""
    every = select(_TABLE, _USERS.c.name.label("user_name")).outerjoin(_USERS, _USERS.c.id == _TABLE.c.user_id)
    if actor.organization is not None:
        return every.where(_TABLE.c.organization == actor.organization)
    return every if actor.admin else every.where(_TABLE.c.kind == "organization")


def _owner(connection: Connection, actor: Actor, new: NewKey) -> str | None:
    """The id of the user it is for. Raises `Refusal` where there can be no such key."""
    if new.organization is None:
        if not actor.admin or actor.organization is not None:
            message = "Only a gateway admin who acts for no organization makes gateway-admin keys."
            raise Refusal("forbidden", message, code="admin_required", param="kind")
        if new.user is not None or new.models is not None:
            raise invalid(
                "kind", "A gateway-admin key belongs to no user and makes no calls: leave out user and models."
            )
        return None
    organizations.usable(connection, actor, new.organization)
    if new.user is None:
        return None
    return users.require(connection, new.organization, new.user).id


def _unrevoked(connection: Connection, actor: Actor, id: str) -> Key:
    found = find(connection, actor, id)
    if found.revoked_ms is not None:
        raise Refusal("conflict", f"The key {id!r} is revoked, which is for ever.", code="key_revoked")
    return found


def _require_future(expires_ms: int | None, now_ms: int) -> None:
    if expires_ms is not None and expires_ms <= now_ms:
        raise invalid("expires_at", "The time of expiry is past; to end a key now, revoke it.")


def _other_admin(connection: Connection, id: str, now_ms: int) -> bool:
    question = select(_TABLE.c.id).where(
        _TABLE.c.kind == "gateway_admin",
        _TABLE.c.id != id,
        _TABLE.c.revoked_ms.is_(None),
        or_(_TABLE.c.expires_ms.is_(None), _TABLE.c.expires_ms > now_ms),
    )
    return connection.execute(question.limit(1)).first() is not None


def _json(models: tuple[str, ...] | None) -> str | None:
    return None if models is None else json.dumps(models)
