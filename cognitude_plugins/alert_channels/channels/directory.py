"""The channels there are, of plugins.yaml and of the database, as this process has last read them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import BaseModel, ValidationError

from hooks import EVERY_ORGANIZATION, Channel, Database, Outbound, Secrets, Unavailable

from ..changes import present_number
from . import stored
from .kinds import kind
from .settings import Declaration, Wants, own_settings, own_settings_of
from .stored import Row
from .target import Target

if TYPE_CHECKING:
    from sqlalchemy import Connection

log: Final = logging.getLogger("cognitude.alert_channels")

DECLARED: Final = "yaml:"
"""What the id of a channel of plugins.yaml begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One channel. ``channel`` is None where it cannot be used: ``problem`` says why, without a secret.

    ``gone`` is what its receiver said when it wanted no more.
    """

    target: Target
    type: str
    wants: Wants
    enabled: bool = True
    settings: BaseModel | None = field(default=None, repr=False)
    channel: Channel | None = field(default=None, repr=False)
    problem: str | None = None
    gone: str | None = None
    row: Row | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        return self.target.id

    @property
    def usable(self) -> bool:
        return self.enabled and self.gone is None and self.channel is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    number: int
    by_id: Mapping[str, Known]
    by_organization: Mapping[str, tuple[Known, ...]]


class Directory:
    """``declared`` are the channels of plugins.yaml. It answers from memory; `refresh` asks the database, and where
    that does not answer everything stays as it is."""

    def __init__(
        self, declared: Mapping[str, Declaration], database: Database, secrets: Secrets, outbound: Outbound
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._outbound = outbound
        self._declared = {one.id: one for name, each in declared.items() for one in (self._of_yaml(name, each),)}
        self._state = _State(number=-1, by_id=self._declared, by_organization=_grouped(self._declared.values()))
        self._turn = asyncio.Lock()
        self._away = False

    def targets(self, organization: str) -> tuple[Target, ...]:
        """Those that this organization's alerts may go to: its own, and the gateway's."""
        return tuple(one.target for one in self._heard(organization) if one.usable)

    def named(self, organization: str, name: str) -> Target | None:
        """Of two of that name its own."""
        return next((one.target for one in self._heard(organization) if one.usable and one.target.name == name), None)

    def find(self, id: str) -> Known | None:
        return self._state.by_id.get(id)

    def of(self, organization: str) -> tuple[Known, ...]:
        """Its own, also those that cannot be used."""
        return self._state.by_organization.get(organization, ())

    async def refresh(self) -> None:
        async with self._turn:
            try:
                found = await self._database.read(EVERY_ORGANIZATION, self._read)
            except Unavailable as error:
                if not self._away:
                    log.warning("the channels that were made through the API are not read again for now: %s", error)
                self._away = True
                return
            self._away = False
            if found is not None:
                self._state = found

    def opened(self, row: Row, settings: BaseModel) -> Known:
        """A channel of the database as it is with these settings. Raises ``ValueError`` for what it cannot be."""
        channel = _made(row.type, settings, self._outbound)
        return replace(_of_row(row), settings=settings, channel=channel)

    def seal(self, organization: str, id: str, settings: Mapping[str, Any]) -> str:
        return self._secrets.seal(organization, _about(id), orjson.dumps(settings).decode())

    def unseal(self, row: Row) -> dict[str, Any]:
        """Raises ``ValueError``."""
        found: dict[str, Any] = orjson.loads(self._secrets.unseal(row.organization, _about(row.id), row.sealed))
        return found

    def unusable(self) -> int:
        """How many are enabled and yet nothing is sent to them."""
        return sum(one.enabled and not one.usable for one in self._state.by_id.values())

    def _heard(self, organization: str) -> Iterator[Known]:
        yield from self.of(organization)
        if organization != EVERY_ORGANIZATION:
            yield from self.of(EVERY_ORGANIZATION)

    def _read(self, connection: Connection) -> _State | None:
        """None when nothing was changed. In a thread: many seals take a moment."""
        number, before = present_number(connection), self._state
        if number == before.number:
            return None
        gone, found = stored.gone(connection), dict(self._declared)
        for row in stored.rows(connection):
            known = before.by_id.get(row.id)
            found[row.id] = known if known is not None and known.row == row and known.channel else self._of(row)
        found = {id: replace(one, gone=gone.get(id)) for id, one in found.items()}
        return _State(number=number, by_id=found, by_organization=_grouped(found.values()))

    def _of(self, row: Row) -> Known:
        try:
            return self.opened(row, own_settings(row.type, self.unseal(row)))
        except ValidationError as error:
            problem = _first(error)
        except ValueError as error:
            problem = f"its settings cannot be read: {error}"
        log.warning("the channel %s of %s is not used: %s", row.name, row.organization, problem)
        return replace(_of_row(row, Wants()), problem=problem)

    def _of_yaml(self, name: str, declaration: Declaration) -> Known:
        settings = own_settings_of(declaration)
        target = declaration.target(id=f"{DECLARED}{name}", name=name, organization=declaration.organization)
        known = Known(target=target, type=declaration.type, wants=declaration, settings=settings)
        try:
            return replace(known, channel=_made(declaration.type, settings, self._outbound))
        except ValueError as error:
            log.warning("the channel %s of plugins.yaml is not used: %s", name, error)
            return replace(known, problem=str(error))


def _made(type: str, settings: BaseModel, outbound: Outbound) -> Channel:
    """Raises ``ValueError`` with the rule that is broken."""
    channel = kind(type)(settings)
    check = getattr(channel, "check", None)
    if check is not None:
        check(outbound)
    return channel


def _of_row(row: Row, wants: Wants | None = None) -> Known:
    """Raises ``ValidationError`` where nobody says what it ``wants`` and it cannot be read."""
    wants = wants or Wants.model_validate_json(row.settings)
    target = wants.target(id=row.id, name=row.name, organization=row.organization)
    return Known(target=target, type=row.type, wants=wants, enabled=row.enabled, row=row)


def _about(id: str) -> str:
    return f"alert_channel:{id}"


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"


def _grouped(channels: Iterable[Known]) -> Mapping[str, tuple[Known, ...]]:
    found: dict[str, list[Known]] = {}
    for one in channels:
        found.setdefault(one.target.organization, []).append(one)
    return {organization: tuple(each) for organization, each in found.items()}
