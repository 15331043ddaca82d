"""What was set for organizations in the database: known to every process, changed by whoever may."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, get_args

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from hooks import EVERY_ORGANIZATION, Database, Unavailable

from . import stored
from .layers import Layer, Override, check
from .rules import consistent
from .settings import Limit
from .stored import Row

__all__ = ["Changes", "Layer", "Override", "Overrides", "TooManyKeys"]

MOST_KEYS: Final = 1000
"""Of one organization and layer for which limits of their own are set."""

log: Final = logging.getLogger("cognitude.limiter")
_LISTS: Final = TypeAdapter(tuple[Limit, ...])
_LAYERS: Final[Mapping[str, Layer]] = {layer: layer for layer in get_args(Layer)}


class TooManyKeys(ValueError):
    """An organization has limits of their own for `MOST_KEYS` keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Organizations whose limits were changed, and those whose counters were reset elsewhere: with True, only those of
    the organization's own limits."""

    organizations: frozenset[str] = frozenset()
    resets: frozenset[tuple[str, bool]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The state after the change ``number``."""

    number: int
    by_organization: Mapping[str, tuple[Override, ...]]
    changes: Changes


class Overrides:
    """``of`` answers from memory; the other methods ask the database and raise `hooks.Unavailable` when it does not
    answer, but for `load` and `refresh`, which then keep what they have."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: _Known | None = None
        self._turn = asyncio.Lock()
        self._mine: set[int] = set()
        self._away = False

    async def load(self) -> None:
        await self.refresh()

    async def refresh(self) -> Changes:
        """What other processes have changed since the last time, and this one too, but for its own resets."""
        async with self._turn:
            try:
                found = await self._database.read(EVERY_ORGANIZATION, self._read)
            except Unavailable as error:
                if not self._away:
                    log.warning("the limits set for organizations are not read again for now: %s", error)
                self._away = True
                return Changes()
            self._away = False
            if found is None:
                return Changes()
            self._known = found
            self._mine = {number for number in self._mine if number > found.number}
            return found.changes

    def of(self, organization: str) -> tuple[Override, ...]:
        return () if self._known is None else self._known.by_organization.get(organization, ())

    async def put(
        self, organization: str, key: str, layer: Layer, limits: Sequence[Limit], *, configured: Sequence[Limit]
    ) -> tuple[Override, ...]:
        """Replace a layer's limits, and return all that is set for the organization then.

        ``configured`` are those of plugins.yaml. Raises ``ValueError`` for what contradicts itself or them, and
        `TooManyKeys`; nothing is changed then.
        """
        consistent(limits)
        row = Row(organization=organization, key=key, layer=layer, limits=_text(limits), updated_ms=_now_ms())

        def work(connection: Connection) -> tuple[Override, ...]:
            stored.next_number(connection)
            before = [one for one in stored.rows(connection, organization) if (one.key, one.layer) != (key, layer)]
            after = tuple(_read_rows([*before, row] if limits else before))
            if limits and key and sum(bool(one.key) and one.layer == layer for one in before) >= MOST_KEYS:
                raise TooManyKeys(f"there are limits of their own for {MOST_KEYS} keys already")
            check(configured, after, layer, key)
            stored.remove(connection, organization, key, layer)
            if limits:
                stored.add(connection, row)
            return after

        return await self._database.write(organization, work)

    async def delete(self, organization: str, key: str, layer: Layer) -> tuple[Override, ...] | None:
        """What is set for the organization then; None when there was nothing to delete."""

        def work(connection: Connection) -> tuple[Override, ...] | None:
            stored.next_number(connection)
            there = stored.remove(connection, organization, key, layer)
            return tuple(_read_rows(stored.rows(connection, organization))) if there else None

        return await self._database.write(organization, work)

    async def reset(self, organization: str, *, own_only: bool) -> None:
        """Tell the other processes to forget an organization's counters."""
        async with self._turn:
            number = await self._database.write(
                organization, lambda connection: stored.note_reset(connection, organization, own_only)
            )
            self._mine.add(number)

    def _read(self, connection: Connection) -> _Known | None:
        """None when nothing was changed. In a thread: a thousand organizations take a moment."""
        number, known = stored.present_number(connection), self._known
        if known is not None and known.number == number:
            return None
        before = {} if known is None else known.by_organization
        after = _grouped(_read_rows(stored.rows(connection)))
        resets = stored.resets(connection, above=number if known is None else known.number, up_to=number)
        changed = frozenset(one for one in {*before, *after} if before.get(one) != after.get(one))
        foreign = frozenset((one, own_only) for one, own_only, change in resets if change not in self._mine)
        return _Known(number=number, by_organization=after, changes=Changes(organizations=changed, resets=foreign))


def _grouped(overrides: Iterable[Override]) -> Mapping[str, tuple[Override, ...]]:
    found: dict[str, list[Override]] = {}
    for one in overrides:
        found.setdefault(one.organization, []).append(one)
    return {organization: tuple(each) for organization, each in found.items()}


def _read_rows(rows: Iterable[Row]) -> Iterator[Override]:
    """Without those that cannot be read: of an older version, or a newer one."""
    for row in rows:
        limits, layer = _limits(row.limits), _LAYERS.get(row.layer)
        if limits is None or layer is None:
            name = f"{row.organization}, layer {row.layer}" + (f", key {row.key}" if row.key else "")
            log.warning("the limits set for %s cannot be read and are not applied", name)
            continue
        yield Override(
            organization=row.organization, key=row.key, layer=layer, limits=limits, updated_ms=row.updated_ms
        )


@lru_cache(maxsize=4096)
def _limits(text: str) -> tuple[Limit, ...] | None:
    try:
        return _LISTS.validate_json(text)
    except ValidationError:
        return None


def _text(limits: Sequence[Limit]) -> str:
    return _LISTS.dump_json(tuple(Limit(**limit.model_dump()) for limit in limits), exclude_defaults=True).decode()


def _now_ms() -> int:
    return round(time.time() * 1000)
