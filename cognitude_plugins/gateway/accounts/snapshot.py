"""What is needed to admit every key: an immutable value, and the next one made of it and of what has changed."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Connection, select

from hooks import Caller, Role

from .records import lower, models_of
from .revision import present_revision
from .secret_keys import SecretKeys
from .tables import ApiKey, Organization, UserAccount
from .tokens import digest

log: Final = logging.getLogger("cognitude.accounts")

_TABLES: Final = (
    Organization.__table__,  # type: ignore[attr-defined]
    UserAccount.__table__,  # type: ignore[attr-defined]
    ApiKey.__table__,  # type: ignore[attr-defined]
)
Rows = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """Whose key it is, as `Caller` has it but for the address."""

    organization: str
    key: str
    user: str | None
    role: Role
    models: tuple[str, ...] | None
    admin: bool

    def caller(self, address: str) -> Caller:
        return Caller(
            organization=self.organization,
            key=self.key,
            user=self.user,
            address=address,
            role=self.role,
            models=self.models,
            admin=self.admin,
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """A key that is not revoked, of an organization and a user that are not disabled. Times in seconds since 1970."""

    known: Known
    pepper: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    previous_pepper: bytes = field(default=b"", repr=False)
    previous_digest: bytes = field(default=b"", repr=False)
    previous_until: float = 0.0
    expires: float = float("inf")

    def accepts(self, token: bytes, now: float) -> bool:
        """Both comparisons take as long for a wrong token as for the right one."""
        if now >= self.expires:
            return False
        if hmac.compare_digest(digest(self.pepper, token), self.digest):
            return True
        return now < self.previous_until and hmac.compare_digest(
            digest(self.previous_pepper, token), self.previous_digest
        )

    @property
    def expires_ms(self) -> int | None:
        return None if self.expires == float("inf") else round(self.expires * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All rows as of ``revision``, by id, but for revoked keys; and of the keys that can be used an `Entry` each.

    ``unreadable`` counts the keys whose digest was made with a secret key that is not configured any more.
    """

    revision: int = -1
    organizations: Rows = field(default_factory=dict, repr=False)
    users: Rows = field(default_factory=dict, repr=False)
    keys: Rows = field(default_factory=dict, repr=False)
    entries: Mapping[str, Entry] = field(default_factory=dict, repr=False)
    unreadable: int = 0


def newer(snapshot: Snapshot, connection: Connection, secrets: SecretKeys) -> Snapshot:
    """The same object when nothing has changed. A database that was put back to an earlier state is read anew."""
    present = present_revision(connection)
    if present == snapshot.revision:
        return snapshot
    if present < snapshot.revision:
        snapshot = Snapshot()
    changed = [
        {row.id: row for row in connection.execute(select(table).where(table.c.revision > snapshot.revision))}
        for table in _TABLES
    ]
    return _advanced(replace(snapshot, revision=present), *changed, secrets=secrets)


def entry_now(connection: Connection, id: str, secrets: SecretKeys) -> Entry | None:
    """The key as it is in this transaction; None if there is none, or none that can be used."""
    organizations, users, keys = _TABLES
    key = connection.execute(select(keys).where(keys.c.id == id)).first()
    if key is None:
        return None
    found = [
        {row.id: row for row in connection.execute(select(table).where(table.c.id == one))}
        for table, one in ((organizations, key.organization), (users, key.user_id))
    ]
    return _entry(Snapshot(organizations=found[0], users=found[1]), key, secrets)


def _advanced(old: Snapshot, organizations: Rows, users: Rows, keys: Rows, *, secrets: SecretKeys) -> Snapshot:
    new = replace(
        old,
        organizations={**old.organizations, **organizations},
        users={**old.users, **users},
        keys={**old.keys, **keys},
    )
    touched: Iterable[str] = keys
    if organizations or users:
        touched = [
            id
            for id, row in new.keys.items()
            if id in keys or row.organization in organizations or row.user_id in users
        ]
    entries = dict(old.entries)
    for id in touched:
        entry = _entry(new, new.keys[id], secrets)
        if entry is None:
            entries.pop(id, None)
        else:
            entries[id] = entry
    # A revoked key never comes back.
    kept = {id: row for id, row in new.keys.items() if row.revoked_ms is None}
    unreadable = sum(1 for row in kept.values() if secrets.get(row.pepper) is None)
    return replace(new, keys=kept, entries=entries, unreadable=unreadable)


def _entry(snapshot: Snapshot, row: Any, secrets: SecretKeys) -> Entry | None:
    secret = secrets.get(row.pepper)
    try:
        known = _known(snapshot, row)
    except (ValueError, KeyError) as error:
        log.warning("key %s is refused, its row makes no sense: %s", row.id, error)
        return None
    if secret is None or known is None or row.revoked_ms is not None:
        return None
    entry = Entry(known, secret.pepper, bytes(row.digest))
    if row.expires_ms is not None:
        entry = replace(entry, expires=row.expires_ms / 1000)
    previous = secrets.get(row.previous_pepper) if row.previous_pepper else None
    if previous is None or row.previous_until_ms is None:
        return entry
    return replace(
        entry,
        previous_pepper=previous.pepper,
        previous_digest=bytes(row.previous_digest),
        previous_until=row.previous_until_ms / 1000,
    )


def _known(snapshot: Snapshot, row: Any) -> Known | None:
    """None while its organization or its user is disabled or missing.

    Raises ``ValueError`` or ``KeyError`` for a row that none of us has written.
    """
    if row.kind == "gateway_admin":
        return Known("", row.id, None, "admin", None, True)
    organization = snapshot.organizations.get(row.organization)
    if organization is None or organization.status != "active":
        return None
    if row.user_id is None:
        return Known(row.organization, row.id, None, lower(row.role, row.role), models_of(row.models), False)
    user = snapshot.users.get(row.user_id)
    if user is None or user.status != "active":
        return None
    return Known(row.organization, row.id, user.name, lower(row.role, user.role), models_of(row.models), False)
