"""The ledger at the highest rate one worker serves: has every answer its row, and how far behind is the writer?"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import psutil
from sqlalchemy import Connection, func, select

from cognitude_plugins.gateway.ledger.tables import CALLS
from cognitude_plugins.gateway.storage.database import Storage

from .comparisons import Compared
from .load import Result
from .machine import cores, cpu_seconds, described, family, first_thread_seconds
from .measure import Failed, Running, Scenario, drive, order_of, running, warm_up
from .postgres import postgres
from .report import bounds, grid
from .scenarios import SATURATED
from .subjects import Upstreams, with_ledger_in
from .suite import say, upstreams

WHOLE: Final = SATURATED
STREAMED: Final = Scenario(name="stream, 2 at once", kind="stream", concurrency=2)
MOST_LAG_SECONDS: Final = 2.0

_POLL_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Into one database. ``rows`` it has more than before, ``lag_seconds`` the largest that was seen.

    ``caught_up_seconds`` is from the last answer to the first look at which the writer had nothing more to do. CPU
    times are of all until then, a call: of the gateway, of that what other threads than the event loop's took, and of
    the database's own processes (SQLite has none). ``busy`` is the gateway's share of its core while there were calls.
    """

    database: str
    seconds: float
    whole: int
    streamed: int
    rows: int
    lag_seconds: float
    caught_up_seconds: float
    cpu_us: float
    writer_us: float
    server_us: float
    busy: float

    @property
    def answers(self) -> int:
        return self.whole + self.streamed

    @property
    def lost(self) -> int:
        return self.answers - self.rows


def ledger(seconds: float, folder: Path) -> Compared:
    """SQLite first, then PostgreSQL, each for so many seconds."""
    with upstreams(folder) as ports:
        runs = [into("SQLite", f"sqlite:///{folder / 'ledger.db'}", ports, seconds, folder)]
        with postgres() as server, server.fresh() as url:
            runs.append(into("PostgreSQL", url, ports, seconds, folder, server.processes))
    return {"machine": described(), "runs": [{**asdict(one), "lost": one.lost} for one in runs]}, table(runs)


def table(runs: Sequence[Run]) -> str:
    rows = [
        [
            "database",
            "requests/s",
            "answers",
            "of them streams",
            "rows",
            "lost",
            "largest lag",
            "caught up after",
            "core busy",
            "CPU µs a call",
            "of it beside the loop",
            "database's CPU µs a row",
        ]
    ]
    for one in runs:
        rows.append(
            [
                one.database,
                f"{one.answers / one.seconds:.0f}",
                str(one.answers),
                str(one.streamed),
                str(one.rows),
                str(one.lost),
                f"{one.lag_seconds:.2f} s",
                f"{one.caught_up_seconds:.1f} s",
                f"{one.busy:.0%}",
                f"{one.cpu_us:.1f}",
                f"{one.writer_us:.1f}",
                f"{one.server_us:.1f}" if one.server_us else "",
            ]
        )
    promised = [
        bound
        for one in runs
        for bound in (
            (f"{one.database}: answers without a row", float(one.lost), 0.0),
            (f"{one.database}: largest lag of the writer, s", one.lag_seconds, MOST_LAG_SECONDS),
        )
    ]
    return f"{described()}; {runs[0].seconds:.0f} s each\n\n{grid(rows)}\n\n{bounds(promised)}"


def into(
    database: str,
    url: str,
    ports: Upstreams,
    seconds: float,
    folder: Path,
    server: Callable[[], list[psutil.Process]] = list,
) -> Run:
    subject = with_ledger_in(url, database.lower(), ports, folder)
    with running(subject, folder, cores()[0]) as one:
        warm_up(one)
        _until_written(one.port)
        before, began = _count(url), _Spent.until_now(one.process.pid, server())
        with _lags(database, one.port) as lags:
            results = _driven(one, seconds)
            answered = _Spent.until_now(one.process.pid, server())
            caught_up = _until_written(one.port)
        written = _Spent.until_now(one.process.pid, server())
    whole, streamed = (result.requests for result in results)
    took, each = max(result.seconds for result in results), 1e6 / (whole + streamed)
    return Run(
        database=database,
        seconds=took,
        whole=whole,
        streamed=streamed,
        rows=_count(url) - before,
        lag_seconds=max(lags, default=0.0),
        caught_up_seconds=caught_up,
        cpu_us=(written.gateway - began.gateway) * each,
        writer_us=(written.beside_loop - began.beside_loop) * each,
        server_us=(written.server - began.server) * each,
        busy=(answered.gateway - began.gateway) / took,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spent:
    """CPU seconds."""

    gateway: float
    beside_loop: float
    server: float

    @classmethod
    def until_now(cls, gateway: int, server: list[psutil.Process]) -> _Spent:
        spent = cpu_seconds(family(gateway))
        return cls(gateway=spent, beside_loop=spent - first_thread_seconds(gateway), server=cpu_seconds(server))


def _driven(one: Running, seconds: float) -> list[Result]:
    """Whole answers and streams at the same time."""
    orders = [order_of(one.subject.door, scenario, one.port, seconds) for scenario in (WHOLE, STREAMED)]
    with ThreadPoolExecutor(len(orders)) as threads:
        results = list(threads.map(drive, orders))
    for result in results:
        if result.failures or not result.requests:
            raise Failed(f"{one.subject.name}: {result.failures or 'nothing was answered'}")
    return results


@contextmanager
def _lags(database: str, port: int) -> Iterator[list[float]]:
    """The writer's lag, asked for twice a second as long as the context lasts."""
    seen: list[float] = []
    over = Event()

    def watch() -> None:
        told = began = time.perf_counter()
        while not over.wait(_POLL_SECONDS):
            seen.append(_ledger(port)["lag_seconds"])
            if (now := time.perf_counter()) - told >= 10:
                told = now
                say(f"{database}: {now - began:.0f} s, largest lag {max(seen):.2f} s")

    watching = Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


def _until_written(port: int) -> float:
    """Wait until the writer has nothing to do in two looks, one after the other; the seconds until the first."""
    began, since, before = time.perf_counter(), 0.0, -1
    while (now := time.perf_counter()) - began < _PATIENCE_SECONDS:
        found = _ledger(port)
        if found["lag_seconds"] == 0 and found["written_rows"] == before:
            return since
        since, before = now - began, found["written_rows"]
        time.sleep(_POLL_SECONDS)
    raise Failed(f"the writer of the ledger did not catch up within {_PATIENCE_SECONDS:g} s: {found}")


def _ledger(port: int) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", "/health")
        found: dict[str, Any] = json.load(connection.getresponse())["ledger"]
        return found
    finally:
        connection.close()


def _count(url: str) -> int:
    storage = Storage(url)
    try:
        return storage.read_now(_rows, patient=True)
    finally:
        storage.close()


def _rows(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(CALLS)).scalar_one()
