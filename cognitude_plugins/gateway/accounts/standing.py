"""Whether he who was let in still may: by the database in this very transaction, not by what a process remembers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from hooks import Caller, Role

from ..auth import WRONG_KEY, credentials
from ..request_body import Refused
from .actor import Actor
from .declared import Declared
from .records import RANK, is_id
from .refusals import Refusal
from .secret_keys import SecretKeys
from .snapshot import Entry, entry_now
from .tables import Organization
from .tokens import parse

_ORGANIZATIONS: Final[Any] = Organization.__table__  # type: ignore[attr-defined]
_NEEDED: Final[Role] = "admin"
"""Whatever is read or changed here is the business of admins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A caller as the gate has let him in, with the secrets of his request's headers."""

    caller: Caller
    secrets: tuple[bytes, ...]

    @classmethod
    def of(cls, caller: Caller, headers: Iterable[tuple[bytes, bytes]]) -> Presented:
        return cls(caller=caller, secrets=tuple(credentials(headers)))

    def __repr__(self) -> str:
        return f"Presented({self.caller!r})"


def actor_of(
    connection: Connection, presented: Presented, secrets: SecretKeys, declared: Declared, now_ms: int
) -> Actor:
    """With the restrictions of his key as they are in this transaction; those of a declared key are in the caller.

    Raises `Refused` (401) when the key, its secret, its user or its organization is no longer good, and `Refusal` when
    it is no admin's any more.
    """
    caller = presented.caller
    if caller.organization and not is_id(caller.organization):
        raise Refusal("not_found", "There is no such organization.", code="not_found")
    entry = _entry(connection, presented, secrets, now_ms)
    if entry is None:
        return _of_declared(connection, caller, declared)
    if RANK[entry.known.role] < RANK[_NEEDED]:
        message = f"This needs a key of role {_NEEDED} or above; this one's role is {entry.known.role}."
        raise Refusal("forbidden", message, code="role_required")
    return Actor(
        organization=caller.organization or None,
        admin=entry.known.admin,
        models=entry.known.models,
        expires_ms=entry.expires_ms,
    )


def _entry(connection: Connection, presented: Presented, secrets: SecretKeys, now_ms: int) -> Entry | None:
    """The database's key with which he came. None if it is none of the database, or not good there."""
    for secret in presented.secrets:
        token = parse(secret)
        entry = None if token is None else entry_now(connection, token.id, secrets)
        if entry is not None and entry.accepts(secret, now_ms / 1000):
            return entry
    return None


def _of_declared(connection: Connection, caller: Caller, declared: Declared) -> Actor:
    if caller.key not in declared.keys or (not caller.admin and _disabled(connection, caller.organization)):
        raise Refused(WRONG_KEY)
    return Actor(organization=caller.organization or None, admin=caller.admin, models=caller.models)


def _disabled(connection: Connection, organization: str) -> bool:
    question = select(_ORGANIZATIONS.c.status).where(_ORGANIZATIONS.c.id == organization)
    return connection.execute(question).scalar() not in (None, "active")
