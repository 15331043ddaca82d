"""What the core lends a plugin for the time between start-up and shutdown."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .call import Call
from .plan import Deployment
from .reply import Reply

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Ledger(Protocol):
    """Reads of the one book. Every method is of one organization: there is no way to leave it out."""

    async def spent(self, organization: str, *, since: datetime, until: datetime | None = None, **filters: str) -> int:
        """Nano-dollars spent in ``[since, until)``.

        ``filters`` are ``key``, ``user``, ``model``, ``provider``, ``tag``.
        """
        ...


class Database(Protocol):
    """The SQL database, never on the event loop."""

    def begin(self, organization: str) -> AbstractAsyncContextManager[Connection]:
        """A transaction, committed on leaving, rolled back on an exception."""
        ...


class Gateway(Protocol):
    """Given to `lifespan`. ``ledger`` and ``database`` are None where the configuration has no storage."""

    @property
    def version(self) -> str: ...

    @property
    def data_dir(self) -> Path:
        """A folder for files of this installation; it exists from start-up on."""
        ...

    @property
    def models(self) -> Mapping[str, tuple[Deployment, ...]]:
        """What clients can name, and where each may go."""
        ...

    @property
    def ledger(self) -> Ledger | None: ...

    @property
    def database(self) -> Database | None: ...

    async def serve(self, call: Call) -> Reply:
        """Send a call of the plugin's own through the whole pipeline, accounted like any other.

        The caller reads the reply (``await hooks.read(reply)``) or its stream is never closed.
        """
        ...
