"""The providers' keys of all organizations in this process: in memory, opened, and no older than a second or so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hooks import Unavailable

from ..providers.provider import Target
from . import credential_store as store
from .credential import Credential, own
from .secret_keys import SecretKeys

if TYPE_CHECKING:
    from ..storage.database import Storage

Check = Callable[[Connection], object]
"""Asked first in a transaction; raises when what comes next is not to be done."""

_MOST_TARGETS: Final = 10_000


def _nothing(connection: Connection) -> None:
    """The check of who has been checked."""


class Credentials:
    """Of one process and one event loop. While the database is gone, what was read last stays in force."""

    def __init__(self, storage: Storage, secrets: SecretKeys) -> None:
        self._storage = storage
        self._secrets = secrets
        self._revision = -1
        self._known: dict[str, dict[str, Credential]] = {}
        self._targets: dict[tuple[str, str], tuple[Target, Target]] = {}
        self._reading = asyncio.Lock()

    def __repr__(self) -> str:
        return f"Credentials({sum(map(len, self._known.values()))} of {len(self._known)} organizations)"

    def find(self, organization: str, provider: str) -> Credential | None:
        """The organization's own enabled credential for the provider."""
        known = self._known.get(organization)
        return None if known is None else known.get(provider)

    def target_for(self, organization: str, target: Target) -> Target:
        """The target as this organization calls it: the same object for the same target until something changes.

        Raises `ProviderError` when its own credential cannot be used for this deployment.
        """
        known = self._known.get(organization)
        if known is None:
            return target
        credential = known.get(target.deployment.provider)
        if credential is None:
            return target
        place = (organization, target.deployment.id)
        found = self._targets.get(place)
        if found is not None and found[0] is target:
            return found[1]
        made = own(target, credential)
        if place not in self._targets and len(self._targets) >= _MOST_TARGETS:
            del self._targets[next(iter(self._targets))]
        self._targets[place] = (target, made)
        return made

    async def load(self) -> None:
        """The first reading. Raises `Unavailable`."""
        await self._read()

    async def refresh(self) -> bool:
        """Read what has changed; whether anything had. When that cannot be read, what is known stays."""
        try:
            return await self._read()
        except (Unavailable, SQLAlchemyError):
            return False

    async def listed(self, organization: str, *, check: Check = _nothing) -> list[store.Stored]:
        """What may be shown of the organization's credentials. Raises `Unavailable`, and what the check raises."""

        def work(connection: Connection) -> list[store.Stored]:
            check(connection)
            return store.listed(connection, organization)

        return await self._storage.read(work)

    async def put(
        self, credential: Credential, *, enabled: bool = True, check: Check = _nothing
    ) -> tuple[store.Stored, bool]:
        """Create or replace, in force here when it returns; and whether it is new. Raises like `listed`."""
        now_ms = _now_ms()

        def work(connection: Connection) -> tuple[store.Stored, bool]:
            check(connection)
            return store.put(connection, self._secrets, credential, enabled=enabled, now_ms=now_ms)

        stored = await self._storage.write(work)
        await self.refresh()
        return stored

    async def remove(self, organization: str, provider: str, *, check: Check = _nothing) -> bool:
        """Whether there was one; out of force here when it returns. Raises like `listed`."""
        now_ms = _now_ms()

        def work(connection: Connection) -> bool:
            check(connection)
            return store.remove(connection, organization, provider, now_ms=now_ms)

        found = await self._storage.write(work)
        await self.refresh()
        return found

    async def _read(self) -> bool:
        """One at a time, so that an older answer never comes after a newer one."""
        async with self._reading:
            since = self._revision
            found = await self._storage.read(lambda connection: store.changes(connection, since, self._secrets))
            if found is None:
                return False
            self._take(found)
            return True

    def _take(self, changes: store.Changes) -> None:
        if changes.complete:
            self._known.clear()
            self._targets.clear()
        for organization, provider, credential in changes.found:
            known = self._known.setdefault(organization, {})
            if credential is None:
                known.pop(provider, None)
            else:
                known[provider] = credential
            if not known:
                del self._known[organization]
        gone = {organization for organization, _, _ in changes.found}
        for place in [place for place in self._targets if place[0] in gone]:
            del self._targets[place]
        self._revision = changes.revision


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
