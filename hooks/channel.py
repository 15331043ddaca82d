"""A way to tell somebody something: what a type of channel is given, and what it answers.

A type is a class, found by its entry point in the group ``cognitude.channels``, whose name is the type's. It has
``Config``, a pydantic model with ``extra="forbid"`` whose secrets are ``SecretStr``, and is made with one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol

from .outbound import Outbound

if TYPE_CHECKING:
    from pydantic import BaseModel

Severity = Literal["info", "warning", "critical"]
MessageKind = Literal["firing", "resolved", "summary", "test"]

CHANNELS: Final = "cognitude.channels"
"""The entry points' group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a message, with a heading and a table: ``rows`` of texts, each as long as ``columns`` if there are."""

    heading: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be said. All texts are plain: whoever shows them as markup escapes them.

    ``id`` is the same each time this message is sent to this channel, so that a receiver can tell one it has already.
    ``about`` is the same for all messages of one alert. ``at`` is when it came about. ``facts`` are names and values;
    ``data`` the same as JSON values, for machines.
    """

    id: str
    kind: MessageKind
    at: datetime
    organization: str
    title: str
    severity: Severity = "info"
    about: str = ""
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How it went. ``detail`` says it in a line, without a secret; ``status`` is the receiver's own number, if any.

    What was not ``delivered`` is tried again unless ``retry`` is false, not before ``after``. ``gone`` says that
    this receiver wants no more: the channel is switched off.
    """

    delivered: bool
    detail: str
    status: int | None = None
    retry: bool = True
    after: timedelta | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """One message in ``every``, of all processes and all channels with the same ``of``, which is no secret."""

    of: str
    every: timedelta


class Channel(Protocol):
    """One channel of a type.

    It may also have ``check(outbound)``, which raises ``ValueError`` with the rule for settings that cannot be used,
    such as a URL that `Outbound.url` refuses; and ``pace``, the `Pace` that its receiver keeps to. A field of its
    ``Config`` with ``json_schema_extra={"declared_only": True}``, such as a file's path, is not taken from the API.
    """

    Config: ClassVar[type[BaseModel]]

    def __init__(self, config: Any) -> None: ...

    async def send(self, message: Message, outbound: Outbound, *, now: datetime) -> Receipt:
        """Tries once. What cannot be reached is a `Receipt` too; an exception counts as a failure to be tried again.

        It may be cut off after half a minute.
        """
        ...
