"""The database as plugins are lent it: the organization comes first, and there is no way to leave it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy import Connection

from .database import Storage

T = TypeVar("T")

_PATIENT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class TenantDatabase:
    """Implements `hooks.Database`."""

    _storage: Storage

    async def read(self, organization: str, work: Callable[[Connection], T], *, patient: bool = False) -> T:
        return await self._storage.read(_of(organization, work), seconds=_PATIENT_SECONDS if patient else None)

    async def write(self, organization: str, work: Callable[[Connection], T]) -> T:
        return await self._storage.write(_of(organization, work))


def _of(organization: str, work: Callable[[Connection], T]) -> Callable[[Connection], T]:
    if not isinstance(organization, str) or not organization:
        raise ValueError("the database is asked for one organization: its name is empty")
    return work
