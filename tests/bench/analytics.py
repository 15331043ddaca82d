"""``python -m tests.bench.analytics``: what the endpoints of analytics ask of ten million calls, and of one in SQLite.

The endpoints run in this process, with the gateway's own reader and databases behind them. ``--data`` is a folder to
keep the databases in: they are made once, and used by the next run.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import httpx
from sqlalchemy import func, inspect, select
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from cognitude_plugins.analytics.api import routes
from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.settings import Config
from cognitude_plugins.gateway.ledger.reader import Reader
from cognitude_plugins.gateway.ledger.tables import CALLS
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.tenant import TenantDatabase
from hooks import Deployment
from hooks.testing import FakeGateway, make_call

from .document import put
from .machine import described
from .measure import Failed
from .postgres import kept
from .quarter import DAYS, MODELS, ORGANIZATION, load
from .report import bounds, grid
from .suite import say

TIMES: Final = 15
SLOWER: Final = 3
"""What SQLite may take with a tenth of the rows, as a multiple."""

Questions = Sequence[tuple[str, float | None]]
_QUARTER: Final = "breakdown?group_by=day,model&start_date={first}&end_date={last}"
QUESTIONS: Final[Questions] = (
    (_QUARTER, 100.0),
    (f"{_QUARTER}&zone=Europe/Berlin", 100.0),
    (f"{_QUARTER}&latencies=false", 100.0),
    (f"{_QUARTER}&zone=Europe/Berlin&latencies=false", 100.0),
    ("breakdown?group_by=key", None),
    ("breakdown?group_by=source,complexity&start_date={last}", None),
    ("breakdown?group_by=tag&start_date={last}", None),
    ("series?range=1h", 50.0),
    ("series?range=24h&by=model", 50.0),
    ("series?range=7d&by=provider", 50.0),
    ("series?range=24h&by=model&latencies=true", 50.0),
    ("breakdown?group_by=model,provider&start_date={week}", 50.0),
    ("summary", None),
    ("forecast", None),
    ("anomalies", None),
    ("savings", None),
    ("recommendations", 3000.0),
)
"""What is asked below ``/analytics``, and the milliseconds that it may take; None where nothing is promised."""


REMEMBERED: Final = frozenset({"recommendations"})
"""What is promised of these is of the first time: afterwards the plugin gives the same answer again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question, asked several times; in milliseconds, the first time apart."""

    question: str
    most_ms: float | None
    first_ms: float
    times_ms: tuple[float, ...]

    @property
    def judged_ms(self) -> float:
        return self.first_ms if self.question in REMEMBERED else median(self.times_ms)


def main() -> int:
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="cognitude-bench-") as folder:
        data = arguments.data or Path(folder)
        parts = []
        try:
            if arguments.rows:
                with kept(data / "postgresql") as url:
                    parts.append(_measured(url, "PostgreSQL", arguments.rows, data, arguments.times, 1))
            if arguments.sqlite:
                url = f"sqlite:///{data / 'ledger.sqlite'}"
                parts.append(_measured(url, "SQLite", arguments.sqlite, data, arguments.times, SLOWER))
        except Failed as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    text = f"{described()}\n\n" + "\n\n".join(parts)
    print(text)
    if arguments.write:
        put("analytics", text)
    return 0


def _measured(url: str, name: str, rows: int, data: Path, times: int, slower: int) -> str:
    storage = Storage(url)
    try:
        began = perf_counter()
        if not _filled(storage):
            load(storage, rows, data / "lock", lambda text: say(f"{name}, {perf_counter() - began:.0f} s: {text}"))
        found, now = _filled(storage)
        asked = asyncio.run(asked_of(storage, datetime.fromtimestamp(now / 1000, UTC), times, slower))
    finally:
        storage.close()
    return f"**{name}**: {found:,} calls in {DAYS} days, {times} times each\n\n{table(asked)}"


def _filled(storage: Storage) -> Any:
    """How many calls there are, and when the last one was; None without any."""
    if not storage.exists:
        return None
    if not storage.read_now(lambda connection: inspect(connection).has_table(CALLS.name)):
        return None
    asked = select(func.count(), func.max(CALLS.c.time_ms))
    count, last = storage.read_now(lambda connection: connection.execute(asked).one(), patient=True)
    return (count, last) if count else None


async def asked_of(
    storage: Storage, now: datetime, times: int, slower: int, questions: Questions = QUESTIONS
) -> list[Asked]:
    """As a key of the organization with most of the calls, at the time of the last one."""
    desk = Desk(Config(), now=lambda: now)
    app = Starlette(routes=routes(desk))

    async def authenticated(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"caller": make_call(organization=ORGANIZATION).caller}
        await app(scope, receive, send)

    gateway = FakeGateway(
        ledger=Reader(storage, clock=now.timestamp),
        database=TenantDatabase(storage),
        models={f"model-{number}": (_deployment(number),) for number in range(MODELS)},
        prices={f"model-{number}": (100 * (number + 1) ** 2, 400 * (number + 1) ** 2) for number in range(MODELS)},
    )
    async with (
        desk.opened(gateway),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=authenticated), base_url="http://bench") as client,
    ):
        paths = {getattr(route, "path", "") for route in app.routes}
        asked = [one for one in questions if f"/analytics/{one[0].partition('?')[0]}" in paths]
        return [await _asked(client, question, most, now, times, slower) for question, most in asked]


async def _asked(
    client: httpx.AsyncClient, question: str, most: float | None, now: datetime, times: int, slower: int
) -> Asked:
    days = {name: datetime.fromordinal(now.toordinal() - back).date() for name, back in _BACK.items()}
    took: list[float] = []
    for _ in range(times + 1):
        began = perf_counter()
        answer = await client.get(f"/analytics/{question.format(**days)}", timeout=120)
        took.append((perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise Failed(f"{question}: {answer.status_code} {answer.text[:300]}")
    return Asked(
        question=question,
        most_ms=None if most is None else most * slower,
        first_ms=took[0],
        times_ms=tuple(took[1:]),
    )


_BACK: Final = {"first": DAYS - 1, "week": 6, "last": 0}


def table(found: Sequence[Asked]) -> str:
    cells = [["GET /analytics/…", "first ms", "median ms", "least-most"]]
    for one in found:
        times = one.times_ms
        spread = f"{min(times):.1f}-{max(times):.1f}"
        cells.append([f"`{one.question}`", f"{one.first_ms:.1f}", f"{median(times):.1f}", spread])
    promised = [(f"`{one.question}`: ms", one.judged_ms, one.most_ms) for one in found if one.most_ms is not None]
    return f"{grid(cells)}\n\n{bounds(promised)}"


def _deployment(number: int) -> Deployment:
    name = f"model-{number}"
    return Deployment(id=name, model=name, provider=f"provider-{number // 3}", upstream_model=name, transport="direct")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.analytics", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="in PostgreSQL; 0 for none")
    parser.add_argument("--sqlite", type=int, default=1_000_000, metavar="ROWS", help="0 for none")
    parser.add_argument("--data", type=Path, help="where the databases are kept")
    parser.add_argument("--times", type=int, default=TIMES, help="how often each question is asked")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
