"""Connections to addresses that somebody else than the operator names: webhooks, mail servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    import socket

Fault = Literal["forbidden", "timeout", "connection", "tls"]

ANSWER_BYTES: Final = 65_536
"""How much of an answer's body is read."""


class Unreachable(Exception):
    """No answer came. ``fault`` says how it failed; ``forbidden``: the gateway does not connect to that address.

    Its text names neither the path nor the query of a URL, which may be a secret.
    """

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault: Final = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``headers`` by lower-case name; ``body`` the first `ANSWER_BYTES` of it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Outbound(Protocol):
    """Reaches the public internet, and what ``gateway.outbound.allow`` names; never a cloud's metadata address.

    The address is checked when the connection to it is made, whatever a resolver said before. No proxy is used.
    """

    def url(self, url: str) -> str:
        """The URL in one spelling; raises ``ValueError`` with the rule for one that is none. No name is resolved."""
        ...

    async def post(self, url: str, content: bytes, *, headers: Mapping[str, str], timeout: float = 10.0) -> Answer:
        """The answer of any status; a redirect is not followed. ``timeout`` seconds are for all of it, the body too.

        Raises `Unreachable`, and ``ValueError`` as `url` does.
        """
        ...

    async def connect(self, host: str, port: int, *, timeout: float = 10.0) -> socket.socket:
        """A connected TCP socket, not blocking, which the caller closes. Raises `Unreachable`."""
        ...
