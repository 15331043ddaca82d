"""What the gateway may connect to when the address comes out of an API, and the connector that sees to it."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .addresses import Network, networks, permitted
from .url import check_host, checked, checked_whole

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver

    from ..config import Config

AddressInfo: TypeAlias = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """``allow``: networks that may be reached though they are not public. ``allow_http``: also without TLS."""

    allow: Sequence[Network] = ()
    allow_http: bool = False

    def permits(self, address: str) -> bool:
        return permitted(address, self.allow)

    def url(self, url: str) -> str:
        """The URL in one spelling; raises `ValueError` with the rule for one that cannot be used. Resolves nothing."""
        return checked(url, allow=self.allow, allow_http=self.allow_http)

    def whole_url(self, url: str) -> str:
        """The same of one that is called as it is, with its query and its last slash."""
        return checked_whole(url, allow=self.allow, allow_http=self.allow_http)

    def host(self, host: str) -> str:
        """The same of a host by itself."""
        return check_host(host, allow=self.allow)

    def connector(self, resolver: AbstractResolver | None = None, **options: Any) -> aiohttp.TCPConnector:
        """Connections to permitted addresses only; needs a running loop. ``options`` are `aiohttp.TCPConnector`'s.

        The address is checked when the socket for it is made, whether it came from a resolver or from the URL itself:
        a name that resolves to something else the second time gains nothing. A proxy would resolve the name again by
        itself, so none may be used with it.
        """
        import aiohttp

        from .names import Names

        return aiohttp.TCPConnector(resolver=resolver or Names(), socket_factory=self._socket, **options)

    def _socket(self, info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not self.permits(str(address[0])):
            raise PermissionError(errno.EACCES, "the address is not public, and the gateway does not allow it")
        return socket.socket(family, kind, protocol)


def guard_of(config: Config) -> Guard:
    """As ``gateway.outbound`` has it."""
    outbound = config.gateway.outbound
    return Guard(allow=networks(outbound.allow), allow_http=outbound.allow_http)


def was_refused(error: BaseException) -> bool:
    """Whether a connection failed because no address of the host was permitted (or the machine's own firewall)."""
    return getattr(getattr(error, "os_error", None), "errno", None) == errno.EACCES
