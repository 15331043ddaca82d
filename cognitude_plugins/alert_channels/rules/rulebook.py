"""The rules there are, of plugins.yaml and of the database, as this process has last read them."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError
from sqlalchemy import Connection

from hooks import EVERY_ORGANIZATION, Database, Unavailable

from ..changes import next_number, present_number
from . import stored
from .bound import DECLARED, Bound
from .settings import MOST_RULES, DeclaredRule, Rule
from .stored import Row

log: Final = logging.getLogger("cognitude.alert_channels")


class NameTaken(ValueError):
    """There is a rule of this name already."""


class TooManyRules(ValueError):
    """The organization has `MOST_RULES` rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    number: int
    by_id: Mapping[str, Bound]
    by_organization: Mapping[str, tuple[Bound, ...]]


def declared_rules(declared: Iterable[DeclaredRule]) -> tuple[Bound, ...]:
    return tuple(Bound(id=f"{DECLARED}{one.name}", organization=one.organization, rule=one.rule) for one in declared)


class Rulebook:
    """It answers from memory; the coroutines ask the database and raise `hooks.Unavailable` when it does not answer,
    but for `refresh`, which then leaves everything as it is."""

    def __init__(self, declared: Iterable[DeclaredRule], database: Database) -> None:
        self._declared = declared_rules(declared)
        self._database = database
        self._state = _state(-1, self._declared)
        self._turn = asyncio.Lock()
        self._away = False

    def all(self) -> Sequence[Bound]:
        return tuple(self._state.by_id.values())

    def certain(self) -> Sequence[Bound]:
        """The same. Raises `hooks.Unavailable` while those of the database have never been read: alerts of rules that
        are only not known yet are not over."""
        if self._state.number < 0:
            raise Unavailable("the rules that were made through the API have not been read yet")
        return self.all()

    def of(self, organization: str) -> tuple[Bound, ...]:
        """Its own, not those of the gateway that watch it too."""
        return self._state.by_organization.get(organization, ())

    def watching(self, organization: str) -> tuple[Bound, ...]:
        """Its own and the gateway's, of those that watch organizations apart."""
        if organization == EVERY_ORGANIZATION:
            return self.of(organization)
        return (*self.of(organization), *(one for one in self.of(EVERY_ORGANIZATION) if not one.together))

    def find(self, id: str) -> Bound | None:
        return self._state.by_id.get(id)

    async def refresh(self) -> None:
        async with self._turn:
            try:
                found = await self._database.read(EVERY_ORGANIZATION, self._read, patient=True)
            except Unavailable as error:
                if not self._away:
                    log.warning("the rules that were made through the API are not read again for now: %s", error)
                self._away = True
                return
            self._away = False
            if found is not None:
                self._state = found

    async def add(self, organization: str, rule: Rule, now_ms: int) -> Bound:
        """Raises `NameTaken`, `TooManyRules`."""
        id = f"rule_{secrets.token_hex(12)}"
        bound = Bound(id=id, organization=organization, rule=rule, created_ms=now_ms, updated_ms=now_ms)

        def work(connection: Connection) -> None:
            next_number(connection)
            declared = sum(one.organization == organization for one in self._declared)
            if stored.count(connection, organization) + declared >= MOST_RULES:
                raise TooManyRules(f"there are {MOST_RULES} rules already")
            self._free(connection, bound)
            stored.add(connection, _row(bound))

        await self._database.write(organization, work)
        await self.refresh()
        return bound

    async def change(self, organization: str, id: str, change: Callable[[Rule], Rule], now_ms: int) -> Bound | None:
        """None where the organization has no such rule; ``change`` is made to it as it is in the database.

        Raises `NameTaken`, and what ``change`` raises.
        """

        def work(connection: Connection) -> Bound | None:
            next_number(connection)
            row = stored.find(connection, organization, id)
            before = None if row is None else _bound(row)
            if before is None:
                return None
            after = replace(before, rule=change(before.rule), updated_ms=now_ms)
            self._free(connection, after)
            stored.put(connection, _row(after))
            return after

        changed = await self._database.write(organization, work)
        await self.refresh()
        return changed

    async def remove(self, organization: str, id: str) -> bool:
        """Whether it was there. What is open of it is over at the next evaluation."""

        def work(connection: Connection) -> bool:
            next_number(connection)
            return stored.remove(connection, organization, id)

        removed = await self._database.write(organization, work)
        await self.refresh()
        return removed

    def _free(self, connection: Connection, bound: Bound) -> None:
        name, organization = bound.rule.name, bound.organization
        declared = any((one.organization, one.rule.name) == (organization, name) for one in self._declared)
        if declared or stored.taken(connection, organization, name, but=bound.id):
            raise NameTaken(f"there is a rule named {name!r} already")

    def _read(self, connection: Connection) -> _State | None:
        """None when nothing was changed. In a thread: many rules take a moment."""
        number, before = present_number(connection), self._state
        if number == before.number:
            return None
        found = list(self._declared)
        for row in stored.rows(connection):
            known = before.by_id.get(row.id)
            same = known is not None and (known.updated_ms, known.rule.name) == (row.updated_ms, row.name)
            bound = known if same else _bound(row)
            if bound is not None:
                found.append(bound)
        return _state(number, found)


def _state(number: int, found: Iterable[Bound]) -> _State:
    by_id, grouped = {one.id: one for one in found}, dict[str, list[Bound]]()
    for one in by_id.values():
        grouped.setdefault(one.organization, []).append(one)
    return _State(number=number, by_id=by_id, by_organization={name: tuple(each) for name, each in grouped.items()})


def _bound(row: Row) -> Bound | None:
    """None for one that cannot be read: of an older version, or a newer one."""
    try:
        rule = Rule.model_validate_json(row.definition)
    except ValidationError:
        log.warning("the rule %s of %s cannot be read and is not looked at", row.name, row.organization)
        return None
    return Bound(
        id=row.id, organization=row.organization, rule=rule, created_ms=row.created_ms, updated_ms=row.updated_ms
    )


def _row(bound: Bound) -> Row:
    return Row(
        id=bound.id,
        organization=bound.organization,
        name=bound.rule.name,
        definition=bound.rule.model_dump_json(exclude_defaults=True),
        enabled=bound.rule.enabled,
        created_ms=bound.created_ms or 0,
        updated_ms=bound.updated_ms or 0,
    )
