"""What was saved is the sum of the rows, by day of the zone, whatever the rows are."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cognitude_plugins.analytics.calendar_days import Days
from cognitude_plugins.analytics.savings.savings import WRITING, Saved, savings
from tests.analytics.street import price, shop
from tests.borrowed import KeptCalls

FIRST, LAST = date(2026, 3, 27), date(2026, 3, 31)
START = int(datetime(2026, 3, 26, tzinfo=UTC).timestamp() * 1000)
TOKENS = st.sampled_from((None, 0, 7, 300))
ROWS = st.fixed_dictionaries(
    {
        "time_ms": st.integers(START, START + 7 * 86_400_000),
        "source": st.sampled_from(
            ("provider", "provider", "redis_cache", "semantic_cache", "limiter", "error", "hedge")
        ),
        "route": st.sampled_from((None, "coalesced", "router: chat/simple to small (cheaper)")),
        "status": st.sampled_from((200, 200, 429)),
        "api": st.sampled_from(("chat", "embeddings", "messages")),
        "prompt_tokens": TOKENS,
        "completion_tokens": TOKENS,
        "cost_nano_usd": st.sampled_from((None, 0, 1234)),
        "saved_nano_usd": st.sampled_from((0, 0, 99, -5)),
    }
)


@pytest.fixture
def book(each_database: Any, tmp_path: Path) -> KeptCalls:
    return KeptCalls(each_database, tmp_path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, max_size=30), zone=st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kathmandu")))
async def test_they_are_what_loops_find(book: KeptCalls, rows: list[dict[str, Any]], zone: str) -> None:
    book.clear()
    book.put(rows)
    gateway = shop(ledger=book.ledger, database=book.database)
    found = await savings(gateway, "acme", Days.of(FIRST, LAST, zone), "large")
    expected: dict[date, Saved] = defaultdict(Saved)
    for row in rows:
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=row["time_ms"])).astimezone(ZoneInfo(zone))
        if FIRST <= day.date() <= LAST:
            expected[day.date()].add(one(row))
    assert {day: saved for day, saved in found.days.items() if saved.calls} == expected
    total = Saved()
    for saved in expected.values():
        total.add(saved)
    assert found.total == total
    assert sorted(found.days) == [FIRST + timedelta(days=number) for number in range(5)]


def one(row: dict[str, Any]) -> Saved:
    cost, tokens = row["cost_nano_usd"], row["prompt_tokens"]
    saved = Saved(calls=1, cost=cost or 0)
    if row["source"] in ("redis_cache", "semantic_cache", "limiter"):
        if row["status"] >= 400:
            pass
        elif row["route"] == "coalesced":
            saved.coalescing, saved.coalescing_calls = row["saved_nano_usd"], 1
        else:
            saved.cache, saved.cache_calls = row["saved_nano_usd"], 1
    elif row["saved_nano_usd"]:
        saved.routing, saved.routing_calls = row["saved_nano_usd"], 1
    if row["api"] in WRITING and row["status"] < 400:
        if tokens is None or cost is None:
            saved.uncounted = 1
        else:
            saved.baseline, saved.paid, saved.counted = price("large", tokens, row["completion_tokens"] or 0), cost, 1
    return saved


async def test_without_a_baseline_nothing_is_held_against_it(book: KeptCalls) -> None:
    book.put([{"time_ms": START + 86_400_000, "prompt_tokens": 1, "cost_nano_usd": 1}])
    found = await savings(shop(ledger=book.ledger, database=book.database), "acme", Days.of(FIRST, LAST, "UTC"), None)
    assert (found.total.calls, found.total.baseline, found.total.counted, found.total.uncounted) == (1, 0, 0, 0)


async def test_a_refusal_of_a_plugin_is_no_answer_of_a_cache(book: KeptCalls) -> None:
    at = START + 86_400_000
    book.put([{"time_ms": at, "source": "limiter", "status": 429, "cost_nano_usd": 0}])
    found = await savings(shop(ledger=book.ledger, database=book.database), "acme", Days.of(FIRST, LAST, "UTC"), None)
    assert (found.total.calls, found.total.cache_calls, found.total.coalescing_calls) == (1, 0, 0)


async def test_days_whose_calls_are_not_all_kept_are_left_out(book: KeptCalls) -> None:
    kept = datetime(2026, 3, 29, tzinfo=UTC)
    book.put([{"time_ms": START + day * 86_400_000 + 82_800_000, "cost_nano_usd": 10**day} for day in range(6)])
    book.keep_since(kept)
    gateway = shop(ledger=book.ledger, database=book.database)
    found = await savings(gateway, "acme", Days.of(FIRST, LAST, "UTC"), None)
    assert (list(found.days), found.total.cost) == ([date(2026, 3, day) for day in (29, 30, 31)], 111_000)
    assert found.rows_since == kept
    # Of Berlin's 29th the first hour is gone.
    found = await savings(gateway, "acme", Days.of(FIRST, LAST, "Europe/Berlin"), None)
    assert list(found.days) == [date(2026, 3, 30), date(2026, 3, 31)]
    assert (await savings(gateway, "acme", Days.of(FIRST, FIRST, "UTC"), None)).days == {}
    whole = await savings(gateway, "acme", Days.of(date(2026, 3, 29), LAST, "UTC"), None)
    assert (whole.rows_since, len(whole.days)) == (None, 3)
