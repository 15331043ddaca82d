"""One SQL database, SQLite or PostgreSQL: transactions in threads, never on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Final, Literal, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hooks import Unavailable

from . import engines
from .outage import as_unavailable, unreachable
from .stopping import Stop

T = TypeVar("T")

_PATIENT_SECONDS: Final = 600.0


class Storage:
    """``url`` as configured; built without I/O. The methods without ``async`` are for threads and the command line.

    On SQLite a write transaction begins with ``BEGIN IMMEDIATE``: it waits for another process' to end instead of
    failing in its middle. ``timeout`` in seconds bounds one transaction; ``patient`` ones may take ten minutes.
    """

    def __init__(self, url: str, *, pool: int = 8, timeout: float = 2.0) -> None:
        self._url = engines.driver(make_url(url))
        sqlite = self._url.get_backend_name() == "sqlite"
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if sqlite else "postgresql"
        self._name = f"the database {self._url.database}" if sqlite else "the database"
        self.timeout = timeout
        self._pool = pool
        self._engine: Engine | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._writers: ThreadPoolExecutor | None = None
        self._running: set[Stop] = set()

    @property
    def engine(self) -> Engine:
        """Made when first asked for; it connects when it is first used."""
        if self._engine is None:
            self._engine = engines.create(self._url, self._pool, self.timeout)
        return self._engine

    @property
    def exists(self) -> bool:
        """False for an SQLite file that is not there yet: reading it would make it."""
        return self.dialect == "postgresql" or Path(self._url.database or "").is_file()

    async def read(self, work: Callable[[Connection], T], *, patient: bool = False, seconds: float | None = None) -> T:
        """What ``work`` returns, within a transaction that changes nothing; ``seconds`` are a bound of its own.

        Raises `Unavailable`.
        """
        if self._readers is None:
            self._readers = ThreadPoolExecutor(self._pool, thread_name_prefix="sql-read")
        return await self._in_thread(self._readers, work, False, seconds or self._seconds(patient))

    async def write(self, work: Callable[[Connection], T], *, patient: bool = False) -> T:
        """The same, committed when ``work`` returns, rolled back when it raises."""
        if self._writers is None:
            threads = 1 if self.dialect == "sqlite" else self._pool
            self._writers = ThreadPoolExecutor(threads, thread_name_prefix="sql-write")
        return await self._in_thread(self._writers, work, True, self._seconds(patient))

    def read_now(self, work: Callable[[Connection], T], *, patient: bool = False) -> T:
        return self._now(work, False, patient)

    def write_now(self, work: Callable[[Connection], T], *, patient: bool = False) -> T:
        return self._now(work, True, patient)

    @contextmanager
    def reached(self, *, writes: bool = True) -> Iterator[None]:
        """What goes wrong between here and the database becomes `Unavailable`; a wrong statement stays what it is."""
        try:
            yield
        except (DBAPIError, PoolTimeout) as error:
            unavailable = as_unavailable(error, self._name, writes=writes)
            if unavailable is None:
                raise
            raise unavailable from error

    def close(self) -> None:
        """What is still running fails, so that no thread keeps the process from ending."""
        for stop in tuple(self._running):
            stop.pull()
        for threads in (self._readers, self._writers):
            if threads is not None:
                threads.shutdown(wait=False, cancel_futures=True)
        self._readers = self._writers = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def __repr__(self) -> str:
        shown = self._url.difference_update_query(engines.passwords(self._url))
        return f"Storage({shown.render_as_string(hide_password=True)})"

    async def _in_thread(
        self, threads: ThreadPoolExecutor, work: Callable[[Connection], T], writes: bool, seconds: float
    ) -> T:
        stop, limit, loop = Stop(), self._limit(seconds), asyncio.get_running_loop()
        running = loop.run_in_executor(threads, partial(self._run, work, writes, seconds, stop))
        try:
            # Not ``wait_for``: in Python 3.11 it swallows a cancellation that comes when the answer is just there.
            async with asyncio.timeout(limit):
                return await running
        except TimeoutError:
            stop.pull()
            raise Unavailable(f"the database did not answer within {limit:g} s") from None
        except asyncio.CancelledError:
            # Who asked has left: what was begun may end, in its time.
            loop.call_later(limit, stop.pull)
            raise

    def _now(self, work: Callable[[Connection], T], writes: bool, patient: bool) -> T:
        stop, seconds = Stop(), self._seconds(patient)
        timer = Timer(self._limit(seconds), stop.pull)
        timer.daemon = True
        timer.start()
        try:
            return self._run(work, writes, seconds, stop)
        finally:
            timer.cancel()

    def _seconds(self, patient: bool) -> float:
        return _PATIENT_SECONDS if patient else self.timeout

    def _limit(self, seconds: float) -> float:
        """Of everything. SQLite waits for another process' transaction, PostgreSQL itself keeps to the timeout."""
        return seconds + engines.GRACE_SECONDS[self.dialect]

    def _run(self, work: Callable[[Connection], T], writes: bool, seconds: float, stop: Stop) -> T:
        self._running.add(stop)
        try:
            with self.reached(writes=writes), ExitStack() as stack:
                return work(self._begun(stack, writes, seconds, stop))
        finally:
            self._running.discard(stop)

    def _begun(self, stack: ExitStack, writes: bool, seconds: float, stop: Stop) -> Connection:
        """A connection in a transaction; one that broke while nobody used it is found out here, and another made."""
        try:
            return self._connected(stack, writes, seconds, stop)
        except DBAPIError as error:
            if stop.pulled or not error.connection_invalidated:
                raise
        return self._connected(stack, writes, seconds, stop)

    def _connected(self, stack: ExitStack, writes: bool, seconds: float, stop: Stop) -> Connection:
        with ExitStack() as opening:
            connection = opening.enter_context(self._connect().execution_options(immediate=writes))
            opening.enter_context(stop.holds(connection.connection.dbapi_connection))
            opening.enter_context(connection.begin())
            engines.bound(connection, seconds, writes)
            stack.push(opening.pop_all())
        return connection

    def _connect(self) -> Connection:
        try:
            return self.engine.connect()
        except DBAPIError as error:
            raise unreachable(error, self._name) from error
