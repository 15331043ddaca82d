"""A transaction stopped from another thread, since its own would wait for a database that hangs for ever."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any


class Stop:
    """``pull`` makes the connection that is held fail at once; later ones too."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: Any = None
        self.pulled = False

    @contextmanager
    def holds(self, connection: Any) -> Iterator[None]:
        """``connection`` is the driver's own. After this it is somebody else's and not touched any more."""
        with self._lock:
            self._held = connection
            if self.pulled:
                _break(connection)
        try:
            yield
        finally:
            with self._lock:
                self._held = None

    def pull(self) -> None:
        with self._lock:
            self.pulled = True
            if self._held is not None:
                _break(self._held)


def _break(connection: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.interrupt()
        return
    from psycopg import Error

    # The driver waits on this socket in a thread; its end wakes it up, also where the server says nothing. A connection
    # that is lost already has none to give.
    with suppress(OSError, Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as theirs:
        theirs.shutdown(socket.SHUT_RDWR)
