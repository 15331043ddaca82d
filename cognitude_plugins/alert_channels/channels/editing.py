"""Making, changing and deleting channels: in one transaction each, one after the other, and sealed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from hooks import EVERY_ORGANIZATION, Database
from hooks.endpoint import Refused, explained, refused

from ..changes import next_number
from ..delivery import outbox
from ..delivery.ids import new_id
from . import stored
from .bodies import ChannelChanges, NewChannel
from .directory import DECLARED, Directory, Known
from .forms import kept, merged, with_secrets
from .kinds import Leads, Rotates, declared_only, field_names, kind
from .settings import Wants, own_settings
from .stored import Row

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST: Final = 100
"""Channels of one organization that are made through the API."""

_WANTS: Final = tuple(Wants.model_fields)


class Editor:
    """What is refused raises `hooks.endpoint.Refused`, and nothing is changed then."""

    def __init__(self, directory: Directory, database: Database, now: Callable[[], datetime]) -> None:
        self._directory = directory
        self._database = database
        self._now = now

    async def make(self, organization: str, new: NewChannel) -> tuple[Known, dict[str, str]]:
        """The channel, and the secrets that were made for it."""
        fresh = _fresh(new.type)
        settings = _valid(new.type, {**fresh, **new.settings}, written=new.settings)
        now_ms = self._now_ms()
        row = Row(
            id=new_id("ch", now_ms),
            organization=organization,
            name=new.name,
            type=new.type,
            sealed="",
            settings=_wanted(new),
            enabled=new.enabled,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        row = self._sealed(row, settings)

        def work(connection: Connection) -> None:
            next_number(connection)
            if stored.count(connection, organization) >= MOST:
                raise refused(f"There are {MOST} channels already.", status=409, code="too_many_channels")
            self._unique(connection, row)
            stored.add(connection, row)

        await self._changed(organization, work)
        made = {name: str(value) for name, value in fresh.items() if name not in new.settings}
        return self._present(row.id), made

    async def change(self, known: Known, changes: ChannelChanges) -> Known:
        given = changes.model_fields_set
        if known.row is None:
            return await self._back(known, changes)
        before, row = known.row, known.row
        if "name" in given:
            row = replace(row, name=changes.name)
        if "enabled" in given:
            row = replace(row, enabled=changes.enabled)
        if given & set(_WANTS):
            wants = {**known.wants.model_dump(), **changes.model_dump(include=given & set(_WANTS))}
            row = replace(row, settings=_wanted(Wants.model_validate(wants)))
        if "settings" in given:
            present = self._present_settings(row)
            settings = merged(present, changes.settings)
            _stays(row.type, present, changes.settings, settings)
            row = self._sealed(row, _valid(row.type, settings, written=changes.settings))
        await self._replaced(before, row, back="enabled" in given and changes.enabled)
        return self._present(row.id)

    async def rotate(self, known: Known, overlap: timedelta) -> tuple[Known, dict[str, str]]:
        """With a new secret in the place of the present one, which is good for the overlap still."""
        row, type = _of_api(known), kind(known.type)
        if not isinstance(type, Rotates):
            raise refused(f"A channel of type {known.type} has no secret to be rotated.", status=409, code="no_secret")
        if known.settings is None:
            raise refused(f"Its settings cannot be read: {known.problem}.", status=409, code="unreadable")
        before = with_secrets(known.settings)
        after = type.rotated(before, self._now() + overlap)
        changed = self._sealed(row, own_settings(known.type, after))
        await self._replaced(row, changed, back=False)
        return self._present(row.id), {name: str(after[name]) for name in type.fresh()}

    async def delete(self, known: Known) -> None:
        """What waits for it is dropped."""
        row = _of_api(known)

        def work(connection: Connection) -> None:
            next_number(connection)
            outbox.drop_channel(connection, row.id, now_ms=self._now_ms())
            stored.remove(connection, row.id)

        await self._changed(row.organization, work)

    async def _back(self, known: Known, changes: ChannelChanges) -> Known:
        """One of plugins.yaml can only be switched on again where its receiver wanted no more."""
        if changes.model_fields_set != {"enabled"} or not changes.enabled:
            _of_api(known)

        def work(connection: Connection) -> None:
            next_number(connection)
            stored.set_back(connection, known.id)

        await self._changed(known.target.organization, work)
        return self._present(known.id)

    async def _replaced(self, before: Row, row: Row, *, back: bool) -> None:
        row = replace(row, updated_ms=max(self._now_ms(), before.updated_ms + 1))

        def work(connection: Connection) -> None:
            next_number(connection)
            if stored.row(connection, row.id) != before:
                message = "The channel was changed by somebody else meanwhile; look at it again."
                raise refused(message, status=409, code="conflict")
            if row.name != before.name:
                self._unique(connection, row)
            stored.replace(connection, row)
            if back:
                stored.set_back(connection, row.id)

        await self._changed(row.organization, work)

    async def _changed(self, organization: str, work: Callable[[Connection], None]) -> None:
        await self._database.write(organization, work)
        await self._directory.refresh()

    def _unique(self, connection: Connection, row: Row) -> None:
        declared = self._directory.find(f"{DECLARED}{row.name}")
        seen = declared is not None and declared.target.organization in (row.organization, EVERY_ORGANIZATION)
        if seen or stored.taken(connection, row.organization, row.name, but=row.id):
            where = " in plugins.yaml" if seen else ""
            message = f"There is a channel {row.name!r}{where} already."
            raise refused(message, param="name", status=409, code="name_taken")

    def _sealed(self, row: Row, settings: BaseModel) -> Row:
        try:
            self._directory.opened(row, settings)
        except ValueError as error:
            name, colon, _ = str(error).partition(": ")
            param = f"settings.{name}" if colon and name.isidentifier() else "settings"
            raise refused(f"{param}: {str(error).removeprefix(f'{name}: ')}.", param=param) from None
        return replace(row, sealed=self._directory.seal(row.organization, row.id, with_secrets(settings)))

    def _present_settings(self, row: Row) -> dict[str, Any]:
        """None of them where the seal is broken: then all have to be given anew."""
        try:
            return self._directory.unseal(row)
        except ValueError:
            return {}

    def _present(self, id: str) -> Known:
        found = self._directory.find(id)
        if found is None:
            raise refused("The channel has just been deleted.", status=404, code="not_found")
        return found

    def _now_ms(self) -> int:
        return round(self._now().timestamp() * 1000)


def _of_api(known: Known) -> Row:
    if known.row is None:
        message = f"The channel {known.target.name!r} is written in plugins.yaml and can only be changed there."
        raise refused(message, status=409, code="declared")
    return known.row


def _fresh(type: str) -> Mapping[str, Any]:
    try:
        found = kind(type)
    except ValueError as error:
        raise refused(f"type: {error}.", param="type") from None
    return found.fresh() if isinstance(found, Rotates) else {}


def _stays(type: str, present: Mapping[str, Any], given: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """What nobody is shown is not sent elsewhere by somebody who does not know it."""
    found = kind(type)
    if not isinstance(found, Leads):
        return
    moved = next((name for name in found.goes_to if present.get(name) != after.get(name)), None)
    for name in found.along if moved else ():
        if kept(present.get(name), given.get(name), after.get(name)):
            place = f"settings.{name}"
            raise refused(f"{place}: must be given again where {moved} is changed.", param=place)


def _valid(type: str, settings: Mapping[str, Any], *, written: Mapping[str, Any]) -> BaseModel:
    config = kind(type).Config
    known = field_names(config)
    for name in sorted(written.keys() - known):
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise refused(f"settings.{name}: a channel of type {type} has no such setting{hint}", param=f"settings.{name}")
    for name in sorted(declared_only(config) & written.keys()):
        raise refused(f"settings.{name} can only be set in plugins.yaml.", param=f"settings.{name}")
    try:
        return own_settings(type, settings)
    except ValidationError as error:
        raise _wrong(error) from None


def _wrong(error: ValidationError) -> Refused:
    param, text = explained(error, secret=True)
    place = f"settings.{param}" if param else "settings"
    return refused(f"{place}: {text}.", param=place)


def _wanted(wants: Wants) -> str:
    return Wants(**{name: getattr(wants, name) for name in _WANTS}).model_dump_json()
