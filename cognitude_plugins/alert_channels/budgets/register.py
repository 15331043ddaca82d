"""The budgets of ``plugins.yaml`` and of the database, as last read in this process, and changing them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from hooks import EVERY_ORGANIZATION, Database, Unavailable

from ..changes import next_number, present_number
from . import stored
from .owned import Owned

MOST: Final = 1000
"""Of one organization, made through the API."""

log: Final = logging.getLogger("cognitude.alert_channels")


class NameTaken(ValueError):
    """Another budget of the organization is called the same."""


class TooMany(ValueError):
    """The organization has `MOST` budgets."""


@dataclass(frozen=True, slots=True)
class _Known:
    number: int
    budgets: tuple[Owned, ...]


class Register:
    """`all` answers from memory. The others ask the database and raise `hooks.Unavailable` when it does not answer,
    but for `refresh`, which then keeps what it has.
    """

    def __init__(self, declared: Sequence[Owned], database: Database) -> None:
        self._declared = tuple(declared)
        self._database = database
        self._known: _Known | None = None
        self._turn = asyncio.Lock()
        self._away = False

    @property
    def number(self) -> int:
        """Another one after every change of channels, rules or budgets; -1 before the first reading."""
        return -1 if self._known is None else self._known.number

    async def refresh(self) -> None:
        async with self._turn:
            try:
                found = await self._database.read(EVERY_ORGANIZATION, self._read)
            except Unavailable as error:
                if not self._away:
                    log.warning("budgets are not read again for now: %s", error)
                self._away = True
                return
            self._away = False
            self._known = found or self._known

    def all(self) -> tuple[Owned, ...]:
        return self._declared if self._known is None else (*self._declared, *self._known.budgets)

    def of(self, organization: str) -> list[Owned]:
        """Its own, and those that every organization has."""
        return [one for one in self.all() if one.within(organization)]

    def find(self, id: str) -> Owned | None:
        return next((one for one in self.all() if one.id == id), None)

    async def add(self, one: Owned) -> None:
        """Raises `NameTaken`, `TooMany`."""

        def work(connection: Connection) -> None:
            next_number(connection)
            self._free(connection, one)
            if stored.count(connection, one.organization) >= MOST:
                raise TooMany(f"there are {MOST} budgets already")
            stored.add(connection, one)

        await self._database.write(one.organization, work)

    async def change(self, id: str, changed: Callable[[Owned], Owned]) -> Owned | None:
        """What ``changed`` makes of it; None if it is gone. Raises `NameTaken`, and what ``changed`` raises."""

        def work(connection: Connection) -> Owned | None:
            next_number(connection)
            before = stored.find(connection, id)
            if before is None:
                return None
            after = replace(changed(before), id=id)
            self._free(connection, after)
            stored.change(connection, after)
            return after

        return await self._database.write(EVERY_ORGANIZATION, work)

    async def delete(self, id: str) -> bool:
        """Whether it was there."""

        def work(connection: Connection) -> bool:
            next_number(connection)
            return stored.remove(connection, id)

        return await self._database.write(EVERY_ORGANIZATION, work)

    def _free(self, connection: Connection, one: Owned) -> None:
        """No other budget that somebody sees together with it has its name."""
        for other in (*self._declared, *stored.budgets(connection)):
            together = other.within(one.organization) or one.within(other.organization)
            if together and other.id != one.id and other.budget.name == one.budget.name:
                raise NameTaken(f"another budget is called {one.budget.name!r}")

    def _read(self, connection: Connection) -> _Known | None:
        """None when nothing was changed."""
        number = present_number(connection)
        if self._known is not None and self._known.number == number:
            return None
        return _Known(number, tuple(stored.budgets(connection)))
