"""Organizations, users and keys as values: the rows of `tables` without what nobody may see."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hooks import Role

RANK: Final[Mapping[str, int]] = {"viewer": 0, "member": 1, "admin": 2}
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    id: str
    name: str
    status: str
    time_zone: str
    created_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: str
    organization: str
    name: str
    role: Role
    status: str
    created_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """``kind`` is organization or gateway_admin; ``user`` the name of its user, ``user_id`` his id."""

    id: str
    organization: str | None
    kind: str
    role: Role
    user: str | None
    user_id: str | None
    label: str
    labels: Mapping[str, str]
    models: tuple[str, ...] | None
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None
    last_used_ms: int | None
    previous_until_ms: int | None

    def status(self, now_ms: int) -> str:
        """``active``, ``revoked`` or ``expired``; its organization and user are not looked at."""
        if self.revoked_ms is not None:
            return "revoked"
        return "expired" if self.expires_ms is not None and self.expires_ms <= now_ms else "active"


def organization_of(row: Any) -> Organization:
    return Organization(id=row.id, name=row.name, status=row.status, time_zone=row.time_zone, created_ms=row.created_ms)


def user_of(row: Any) -> User:
    return User(
        id=row.id,
        organization=row.organization,
        name=row.name,
        role=row.role,
        status=row.status,
        created_ms=row.created_ms,
    )


def key_of(row: Any) -> Key:
    """Of a row of ``api_key`` that has the user's name as ``user_name``."""
    return Key(
        id=row.id,
        organization=row.organization,
        kind=row.kind,
        role=row.role,
        user=row.user_name,
        user_id=row.user_id,
        label=row.label,
        labels=json.loads(row.labels),
        models=models_of(row.models),
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        revoked_ms=row.revoked_ms,
        last_used_ms=row.last_used_ms,
        previous_until_ms=row.previous_until_ms,
    )


def models_of(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))


def lower(one: Role, other: Role) -> Role:
    """The role that may do less."""
    return one if RANK[one] <= RANK[other] else other


def is_id(text: str) -> bool:
    """What cannot be an id is not looked up: a database may refuse even to read it."""
    return _ID.fullmatch(text) is not None
