"""What a server can lend its app of a connection: its end, seen and made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

LENT: Final = "cognitude.connection"
"""The key in ``scope["extensions"]``."""


class Connection:
    """``abort`` closes without waiting for what is not yet written. ``hung_up``, if set, is called when the peer is
    gone.

    Listening on ``receive()`` tells the same under any server, for the price of a task in every call.
    """

    __slots__ = ("abort", "hung_up", "lost")

    def __init__(self, abort: Callable[[], None]) -> None:
        self.abort = abort
        self.hung_up: Callable[[], None] | None = None
        self.lost = False

    def lose(self) -> None:
        """The server's part: the peer is gone."""
        self.lost = True
        if self.hung_up is not None:
            self.hung_up()


def connection_of(scope: Mapping[str, Any]) -> Connection | None:
    """The connection, or None under a server that lends none."""
    found: Connection | None = (scope.get("extensions") or {}).get(LENT)
    return found
