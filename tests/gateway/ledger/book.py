"""Rows at random, a journal with them in it, and what a database says they come to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Table, func, select

from cognitude_plugins.gateway.ledger.frames import frame
from cognitude_plugins.gateway.ledger.own_segment import Segment
from cognitude_plugins.gateway.ledger.rollups import DAY_MS, HOUR_MS, MINUTE_MS, SUMS, TOTALLED, amounts_of
from cognitude_plugins.gateway.ledger.row import COLUMNS, Row
from cognitude_plugins.gateway.ledger.sketch import bucket, decode, merge
from cognitude_plugins.gateway.ledger.tables import (
    CALLS,
    DAYS,
    FACET_MINUTES,
    FACET_QUARTERS,
    HOURS,
    IDENTITY_DAYS,
    MINUTES,
    TOTALS,
)
from cognitude_plugins.gateway.service_settings import Retention
from cognitude_plugins.gateway.storage.database import Storage
from hooks.testing import FakeCall

NOON: Final = 1_768_478_400_000
"""In January of 2026."""
RETENTION: Final = Retention()
ROLLUPS: Final[dict[str, tuple[Table, int]]] = {
    "minute": (MINUTES, MINUTE_MS),
    "hour": (HOURS, HOUR_MS),
    "day": (DAYS, DAY_MS),
    "identity": (IDENTITY_DAYS, DAY_MS),
}
PARTS: Final[tuple[tuple[Table, dict[str, str | int]], ...]] = (
    *((TOTALS, {"width_ms": width}) for width in TOTALLED),
    (FACET_MINUTES, {"facet": "key"}),
    *((FACET_QUARTERS, {"facet": facet}) for facet in ("key", "user", "key_day")),
)
"""Of tables that have every call several times, the rows that have each once."""


def row(id: str = "req_1", **values: Any) -> Row:
    """A good answer of a provider at `NOON`."""
    return Row(
        id=id,
        **{
            "time_ms": NOON,
            "organization": "acme",
            "key": "k1",
            "api": "chat",
            "requested_model": "small",
            "model": "small",
            "provider": "simulated",
            "source": "provider",
            "status": 200,
            "stream": False,
            "complete": True,
            "prompt_tokens": 9,
            "completion_tokens": 3,
            "usage_reported": True,
            "cost_nano_usd": 1200,
            "latency_us": 250_000,
            "overhead_us": 300,
            "attempts": 1,
            **values,
        },
    )


def random_rows(count: int, seed: int, *, start: int = NOON - 3 * DAY_MS, span: int = 3 * DAY_MS) -> list[Row]:
    dice = random.Random(seed)
    return [_random_row(dice, f"req_{seed}_{number:06d}", start + dice.randrange(span)) for number in range(count)]


def _random_row(dice: random.Random, id: str, time_ms: int) -> Row:
    tokens = dice.randrange(100_000)
    return row(
        id,
        time_ms=time_ms,
        organization=dice.choice(("acme", "globex")),
        key=dice.choice(("k1", "k2")),
        user=dice.choice((None, "ada", "bob", "")),
        model=dice.choice(("small", "large", "")),
        provider=dice.choice(("simulated", "openai")),
        source=dice.choice(("provider", "provider", "cache", "error")),
        status=dice.choice((200, 200, 200, 429, 500)),
        complete=dice.random() < 0.9,
        prompt_tokens=dice.choice((None, tokens)),
        cached_tokens=dice.choice((None, tokens // 2)),
        reasoning_tokens=dice.choice((None, 7)),
        cost_nano_usd=dice.choice((None, 0, dice.randrange(10**10))),
        saved_nano_usd=dice.choice((0, 0, dice.randrange(10**6), -5)),
        latency_us=int(dice.lognormvariate(12, 2)) + 1,
        complexity=dice.choice((None, "simple", "complex")),
        tags=dice.choice(({}, {"team": "a"}, {"team": "b", "a'\"b": "="})),
    )


def write_segment(folder: Path, rows: Iterable[Row | bytes], *, leave: bool = True) -> Segment:
    """A segment of one process, which has left it."""
    segment = Segment.create(folder)
    for one in rows:
        segment.write(frame(one.encode() if isinstance(one, Row) else one))
    if leave:
        segment.close()
    return segment


def summed(rows: Iterable[Row]) -> dict[str, int]:
    """The sums of rows, in Python."""
    amounts = [amounts_of([getattr(one, name) for name in COLUMNS]) for one in rows]
    return dict(zip(SUMS, map(sum, zip(*amounts, strict=True)), strict=True)) if amounts else dict.fromkeys(SUMS, 0)


def in_table(storage: Storage, table: Table, **values: str | int) -> dict[str, int]:
    """The sums that a table of sums comes to, or the rows of it with these values."""
    asked = select(*(func.coalesce(func.sum(table.c[name]), 0).label(name) for name in SUMS)).filter_by(**values)
    found = storage.read_now(lambda connection: connection.execute(asked).mappings().one())
    return {name: int(found[name]) for name in SUMS}


def stored_rows(storage: Storage) -> list[dict[str, Any]]:
    return storage.read_now(
        lambda connection: [dict(one) for one in connection.execute(select(CALLS).order_by(CALLS.c.id)).mappings()]
    )


def assert_exact(storage: Storage, rows: Sequence[Row]) -> None:
    """Each row is there once, and every table comes to what they do, latencies included."""
    assert [one["id"] for one in stored_rows(storage)] == sorted({one.id for one in rows})
    expected = summed({one.id: one for one in rows}.values())
    latencies = Counter(bucket(one.latency_us) for one in {one.id: one for one in rows}.values())
    for table, _ in ROLLUPS.values():
        assert in_table(storage, table) == expected, table.name
        if "sketch" in table.c:
            assert in_sketches(storage, table) == latencies, table.name
    for table, values in PARTS:
        assert in_table(storage, table, **values) == expected, (table.name, values)
        assert in_sketches(storage, table, **values) == latencies, (table.name, values)


def in_sketches(storage: Storage, table: Table, **values: str | int) -> dict[int, int]:
    """All latencies of a table of sums, by bucket."""
    found: dict[int, int] = {}
    asked = select(table.c.sketch).filter_by(**values)
    for (sketch,) in storage.read_now(lambda connection: connection.execute(asked).all()):
        merge(found, decode(bytes(sketch)))
    return found


def as_fake(one: Row) -> FakeCall:
    """The same call for the ledger of plugins' tests."""
    return FakeCall(
        at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=one.time_ms),
        organization=one.organization,
        key=one.key,
        user=one.user,
        model=one.model,
        provider=one.provider,
        source=one.source,
        status=one.status,
        complete=one.complete,
        prompt_tokens=one.prompt_tokens or 0,
        completion_tokens=one.completion_tokens or 0,
        cached_tokens=one.cached_tokens or 0,
        reasoning_tokens=one.reasoning_tokens or 0,
        cost_nano_usd=one.cost_nano_usd,
        saved_nano_usd=one.saved_nano_usd,
        seconds=one.latency_us / 1e6,
        tags=one.tags,
        complexity=one.complexity,
    )
