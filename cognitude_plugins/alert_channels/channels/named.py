"""Channels that rules and budgets name: a name that no channel has would tell nobody, and say nothing of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol

from pydantic_core import InitErrorDetails, PydanticCustomError

from hooks import EVERY_ORGANIZATION

from .settings import Declaration


class Telling(Protocol):
    """A rule or a budget of plugins.yaml."""

    @property
    def organization(self) -> str: ...

    @property
    def channels(self) -> Sequence[str]: ...


def missing(names: Iterable[str], known: Collection[str]) -> list[str]:
    """What is to be said of those that are not known."""
    return [
        f"there is no channel {name!r} that its alerts could go to{_meant(name, known) or '.'}"
        for name in names
        if name not in known
    ]


def misnamed(
    section: str, telling: Sequence[Telling], channels: Mapping[str, Declaration]
) -> Iterable[InitErrorDetails]:
    """Each channel named in a section of plugins.yaml that is not there, or hears nothing of that organization."""
    for index, one in enumerate(telling):
        for place, name in enumerate(one.channels):
            rule = _broken(name, one.organization, channels)
            if rule is not None:
                error = PydanticCustomError("channel", "{rule}", {"rule": rule})
                yield InitErrorDetails(type=error, loc=(section, index, "channels", place), input=name)


def _broken(name: str, organization: str, channels: Mapping[str, Declaration]) -> str | None:
    channel = channels.get(name)
    if channel is None:
        return f"there is no such channel in this file{_meant(name, channels)}"
    if EVERY_ORGANIZATION in (organization, channel.organization) or organization == channel.organization:
        return None
    return f"this channel is of {channel.organization!r}, and hears nothing of {organization!r}"


def _meant(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
