"""The first key of an installation, so that nobody has to open the gateway to everyone in order to begin."""

from __future__ import annotations

import time
from typing import Any, Final

from sqlalchemy import Connection, and_, or_, select

from ..storage.database import Storage
from . import keys, organizations
from .actor import OPERATOR
from .keys import NewKey
from .refusals import Refusal
from .revision import next_revision
from .secret_keys import SecretKeys
from .tables import ApiKey, Organization, UserAccount

FIRST_ORGANIZATION: Final = "default"

_KEYS: Final[Any] = ApiKey.__table__  # type: ignore[attr-defined]
_USERS: Final[Any] = UserAccount.__table__  # type: ignore[attr-defined]
_ORGANIZATIONS: Final[Any] = Organization.__table__  # type: ignore[attr-defined]


def any_key(storage: Storage) -> bool:
    """Whether somebody could come in with a key of the database. Raises `Unavailable`."""
    return storage.read_now(lambda connection: _any(connection, _now_ms()))


def first_key(storage: Storage, secrets: SecretKeys) -> str | None:
    """A new admin key of the organization ``default``, which is made if need be; None if there is a key that works.

    Of several processes that ask at once one gets the key. None as well when an operator has disabled ``default``:
    he has closed the gateway, and opens it with ``cognitude key create``. Raises `Unavailable`.
    """
    if any_key(storage):
        return None
    return storage.write_now(lambda connection: _make(connection, secrets, _now_ms()))


def _make(connection: Connection, secrets: SecretKeys, now_ms: int) -> str | None:
    next_revision(connection)
    if _any(connection, now_ms):
        return None
    try:
        found = organizations.find(connection, OPERATOR, FIRST_ORGANIZATION)
    except Refusal:
        found = organizations.create(connection, name="Default", id=FIRST_ORGANIZATION, now_ms=now_ms)
    if found.status != "active":
        return None
    new = NewKey(organization=found.id, role="admin", label="first key")
    _, token = keys.create(connection, OPERATOR, secrets, new, now_ms)
    return token.text.decode("ascii")


def _any(connection: Connection, now_ms: int) -> bool:
    served = and_(_ORGANIZATIONS.c.status == "active", or_(_KEYS.c.user_id.is_(None), _USERS.c.status == "active"))
    question = (
        select(_KEYS.c.id)
        .outerjoin(_ORGANIZATIONS, _ORGANIZATIONS.c.id == _KEYS.c.organization)
        .outerjoin(_USERS, _USERS.c.id == _KEYS.c.user_id)
        .where(
            _KEYS.c.revoked_ms.is_(None),
            or_(_KEYS.c.expires_ms.is_(None), _KEYS.c.expires_ms > now_ms),
            or_(_KEYS.c.kind == "gateway_admin", served),
        )
    )
    return connection.execute(question.limit(1)).first() is not None


def _now_ms() -> int:
    return round(time.time() * 1000)
