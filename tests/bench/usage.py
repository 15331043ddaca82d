"""Questions about a month of calls, asked over HTTP of a gateway whose ledger is in PostgreSQL."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import psycopg

from . import subjects
from .comparisons import Compared
from .machine import cores, described
from .measure import Failed, running
from .month import DAYS, KEYS, MODELS, ORGANIZATIONS, load
from .postgres import postgres
from .report import bounds, grid
from .subjects import ADMIN_KEY, KEY
from .suite import say, upstreams

TIMES: Final = 20
MOST_MS: Final = 50.0
QUESTIONS: Final = (
    *(("an organization's key", KEY, by) for by in ("day", "model", "provider", "key", "user")),
    *(("a gateway admin's key", ADMIN_KEY, by) for by in ("day", "model", "organization", "key")),
)
"""Who asks, with which key, and how the answer is to be grouped. The admin asks about all organizations together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question, asked several times; in milliseconds, the first time apart."""

    who: str
    by: str
    groups: int
    calls: int
    first_ms: float
    times_ms: tuple[float, ...]


def usage(rows: int, folder: Path) -> Compared:
    """Load the rows, start a gateway, ask."""
    with upstreams(folder) as ports, postgres() as server, server.fresh() as url:
        began = perf_counter()
        load(url, rows, folder, lambda text: say(f"{perf_counter() - began:.0f} s: {text}"))
        loaded = perf_counter() - began
        calls, size = _loaded(url)
        subject = subjects.with_ledger_in(url, "usage", ports, folder, days=DAYS + 10)
        with running(subject, folder, cores()[0]) as one, closing(_connection(one.port)) as connection:
            found = [_asked(connection, *question) for question in QUESTIONS]
    check(found, calls)
    value = {
        "machine": described(),
        "rows": rows,
        "database_bytes": size,
        "loaded_seconds": loaded,
        "asked": [asdict(one) for one in found],
    }
    return value, table(found, rows, size, loaded)


def table(found: Sequence[Asked], rows: int, size: int, loaded_seconds: float) -> str:
    cells = [["asked with", "group_by", "groups", "calls", "first ms", "median ms", "least-most"]]
    for one in found:
        times = one.times_ms
        spread = f"{min(times):.1f}-{max(times):.1f}"
        numbers = (str(one.groups), str(one.calls), f"{one.first_ms:.1f}", f"{median(times):.1f}", spread)
        cells.append([one.who, one.by, *numbers])
    promised = [
        (f"usage by day, {one.who}: median ms", median(one.times_ms), MOST_MS) for one in found if one.by == "day"
    ]
    head = (
        f"{described()}; {rows:,} calls in {DAYS} days, {ORGANIZATIONS} organizations × {MODELS} models × {KEYS} keys; "
        f"the database has {size / 1e9:.1f} GB and was loaded in {loaded_seconds:.0f} s; {TIMES} times each"
    )
    return f"{head}\n\n{grid(cells)}\n\n{bounds(promised)}"


def _loaded(url: str) -> tuple[dict[str, int], int]:
    """Calls by organization, as the single rows have them, and the bytes of the database."""
    with psycopg.connect(url) as connection:
        calls = connection.execute("SELECT organization, count(*) FROM ledger_call GROUP BY 1").fetchall()
        size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return dict(calls), size[0] if size else 0


def _asked(connection: http.client.HTTPConnection, who: str, key: str, by: str) -> Asked:
    took: list[float] = []
    body: dict[str, Any] = {}
    for _ in range(TIMES + 1):
        began = perf_counter()
        connection.request("GET", f"/analytics/usage?group_by={by}", headers={"authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        raw = answer.read()
        took.append((perf_counter() - began) * 1000)
        body = json.loads(raw)
        if answer.status != 200:
            raise Failed(f"usage by {by}: {answer.status} {body}")
    groups, calls = len(body["data"]), body["total"]["calls"]
    return Asked(who=who, by=by, groups=groups, calls=calls, first_ms=took[0], times_ms=tuple(took[1:]))


def check(found: Sequence[Asked], calls: dict[str, int]) -> None:
    """What was quick and wrong is no result. The gateway's own first calls may have come on top."""
    for one, (_, key, _) in zip(found, QUESTIONS, strict=True):
        expected = sum(calls.values()) if key == ADMIN_KEY else calls["default"]
        if one.calls < expected:
            raise Failed(f"usage by {one.by}: {one.calls} calls, but there are {expected}")


def _connection(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)
