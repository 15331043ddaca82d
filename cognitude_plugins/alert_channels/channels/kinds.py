"""The types of channels that are installed, by the entry points that third parties use too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points
from inspect import iscoroutinefunction
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

from pydantic import BaseModel

from hooks import CHANNELS, Channel

DECLARED_ONLY: Final = "declared_only"
"""In a field's ``json_schema_extra``: it can be set in plugins.yaml only, such as the path of a file."""


@runtime_checkable
class Leads(Protocol):
    """A type that sends secrets along: whoever changes where they go has to know them, as they are never shown."""

    goes_to: ClassVar[Sequence[str]]
    """The settings that say where."""
    along: ClassVar[Sequence[str]]
    """The settings that are sent there."""


@runtime_checkable
class Rotates(Protocol):
    """A type whose secret the gateway makes, and can replace."""

    @classmethod
    def fresh(cls) -> Mapping[str, Any]:
        """Settings for those that were left out."""
        ...

    @classmethod
    def rotated(cls, settings: Mapping[str, Any], until: datetime) -> Mapping[str, Any]:
        """The settings with a new secret; the present one is good until then."""
        ...


@cache
def installed() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=CHANNELS)}


@lru_cache(maxsize=64)
def kind(name: str) -> type[Channel]:
    """The class. Raises ``ValueError`` for one that is not installed or is none."""
    points = installed()
    point = points.get(name)
    if point is None:
        near = get_close_matches(name, points, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(points)) or 'none'}"
        raise ValueError(f"there is no type of channel {name[:80]!r}{hint}")
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"the type of channel {name!r} cannot be loaded: {error}") from None
    config = getattr(found, "Config", None)
    sends = iscoroutinefunction(getattr(found, "send", None))
    if not isinstance(config, type) or not issubclass(config, BaseModel) or not sends:
        raise ValueError(f"the type of channel {name!r} is no channel: {point.value} has no Config or no async send")
    channel: type[Channel] = found
    return channel


def field_names(config: type[BaseModel]) -> frozenset[str]:
    """As they are written."""
    return frozenset(field.alias or name for name, field in config.model_fields.items())


def declared_only(config: type[BaseModel]) -> frozenset[str]:
    """The fields that the API does not take."""
    extra = {field.alias or name: field.json_schema_extra for name, field in config.model_fields.items()}
    return frozenset(name for name, said in extra.items() if isinstance(said, dict) and said.get(DECLARED_ONLY))
