"""Providers' keys of organizations in the database: written sealed, read opened, sealed anew under another secret."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from .credential import Credential
from .revision import next_revision, present_revision
from .secret_keys import SecretKeys
from .tables import ProviderCredential
from .tokens import new_id
from .vault import Sealed, Unsealable, seal, unseal

log: Final = logging.getLogger("cognitude.accounts")

_TABLE: Final = ProviderCredential.__table__  # type: ignore[attr-defined]
_GONE: Final = {"sealed": b"", "secret_key": "", "enabled": False, "base_url": None}
"""A deleted credential leaves its row, so that other processes see that it is gone, and nothing of the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What may be shown of a credential."""

    provider: str
    enabled: bool
    base_url: str | None
    created_ms: int
    updated_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The credentials that were written since some revision; None for what is deleted or not enabled.

    ``complete``: these are all there are, and what is not among them is gone.
    """

    revision: int
    found: Sequence[tuple[str, str, Credential | None]]
    complete: bool


def changes(connection: Connection, since: int, secrets: SecretKeys) -> Changes | None:
    """None when no account was changed. A database that was put back to an earlier state is read anew."""
    present = present_revision(connection)
    if present == since:
        return None
    complete = since < 0 or present < since
    rows = connection.execute(select(_TABLE).where(_TABLE.c.revision > (-1 if complete else since)))
    found = [(row.organization, row.provider, _opened(row, secrets) if row.enabled else None) for row in rows]
    return Changes(revision=present, found=found, complete=complete)


def listed(connection: Connection, organization: str) -> list[Stored]:
    """By the provider's name."""
    ours = (_TABLE.c.organization == organization) & (_TABLE.c.sealed != b"")
    rows = connection.execute(select(_TABLE).where(ours).order_by(_TABLE.c.provider))
    return [_stored(row) for row in rows]


def put(
    connection: Connection, secrets: SecretKeys, credential: Credential, *, enabled: bool, now_ms: int
) -> tuple[Stored, bool]:
    """Create or replace the organization's credential for the provider; and whether it is new."""
    revision = next_revision(connection)
    sealed = seal(secrets, (credential.api_key or "").encode(), _context(credential))
    values = {
        "base_url": credential.base_url,
        "sealed": sealed.content,
        "secret_key": sealed.secret_key,
        "enabled": enabled,
        "updated_ms": now_ms,
        "revision": revision,
    }
    ours = (_TABLE.c.organization == credential.organization) & (_TABLE.c.provider == credential.provider)
    before = connection.execute(select(_TABLE.c.id, _TABLE.c.sealed).where(ours)).first()
    created = before is None or not before.sealed
    if created:
        values["created_ms"] = now_ms
    if before is None:
        names = {"organization": credential.organization, "provider": credential.provider}
        connection.execute(insert(_TABLE).values(id=f"crd_{new_id()}", **names, **values))
    else:
        connection.execute(update(_TABLE).where(_TABLE.c.id == before.id).values(**values))
    return _stored(connection.execute(select(_TABLE).where(ours)).one()), created


def remove(connection: Connection, organization: str, provider: str, *, now_ms: int) -> bool:
    """Whether there was one."""
    revision = next_revision(connection)
    ours = (_TABLE.c.organization == organization) & (_TABLE.c.provider == provider) & (_TABLE.c.sealed != b"")
    gone = connection.execute(update(_TABLE).where(ours).values(**_GONE, updated_ms=now_ms, revision=revision))
    return bool(gone.rowcount)


def reseal(connection: Connection, secrets: SecretKeys) -> tuple[int, int]:
    """Seal under the current secret key what is sealed under an older one: how many, and how many cannot be opened."""
    revision = next_revision(connection)
    left = (_TABLE.c.sealed != b"") & (_TABLE.c.secret_key != secrets.current.id)
    done = failed = 0
    for row in connection.execute(select(_TABLE).where(left)).all():
        opened = _opened(row, secrets)
        if opened.api_key is None:
            failed += 1
            continue
        sealed = seal(secrets, opened.api_key.encode(), _context(opened))
        values = {"sealed": sealed.content, "secret_key": sealed.secret_key, "revision": revision}
        connection.execute(update(_TABLE).where(_TABLE.c.id == row.id).values(**values))
        done += 1
    return done, failed


def _stored(row: Any) -> Stored:
    return Stored(
        provider=row.provider,
        enabled=row.enabled,
        base_url=row.base_url,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
    )


def _opened(row: Any, secrets: SecretKeys) -> Credential:
    """Without its key when that cannot be opened, so that it is not taken for an organization that has none."""
    closed = Credential(organization=row.organization, provider=row.provider, api_key=None, base_url=row.base_url)
    sealed = Sealed(secret_key=row.secret_key, content=bytes(row.sealed))
    try:
        key = unseal(secrets, sealed, _context(closed)).decode()
    except Unsealable as error:
        log.warning("the key of organization %s for %s cannot be opened: %s", row.organization, row.provider, error)
        return closed
    return Credential(organization=row.organization, provider=row.provider, api_key=key, base_url=row.base_url)


def _context(credential: Credential) -> bytes:
    """The address is part of it: who can write into the database cannot have the key sent to himself."""
    parts = ("provider credential", credential.organization, credential.provider, credential.base_url or "")
    return "\0".join(parts).encode()
