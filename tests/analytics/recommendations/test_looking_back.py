"""What SQL finds in rows is what loops over them find, whatever the rows are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cognitude_plugins.analytics.recommendations.looking_back import look_back
from tests.analytics.brute import Brute
from tests.analytics.street import DAY_MS, DAYS, NOW, shop
from tests.borrowed import KeptCalls

END = int(NOW.timestamp() * 1000)
FIRST = END - DAYS * DAY_MS
TOKENS = st.sampled_from((None, 0, 15, 16, 99, 100, 255, 256, 257, 1024, 33_000, 130_000))
TIMES = st.one_of(st.integers(0, 40).map(lambda n: n * 250_000), st.integers(0, DAYS * DAY_MS - 1))
ROWS = st.fixed_dictionaries(
    {
        "time_ms": TIMES.map(lambda after: FIRST + after),
        "latency_us": st.sampled_from((1_000, 3_000_000, 400_000_000)),
        "source": st.sampled_from(("provider", "provider", "provider", "redis_cache", "error", "hedge")),
        "status": st.sampled_from((200, 200, 200, 500)),
        "complete": st.sampled_from((True, True, True, False)),
        "api": st.sampled_from(("chat", "chat", "responses")),
        "deployment": st.sampled_from(("large", "small", None)),
        "requested_model": st.sampled_from(("auto", "large")),
        "complexity": st.sampled_from((None, "simple")),
        "prompt_tokens": TOKENS,
        "completion_tokens": TOKENS,
        "cached_tokens": st.sampled_from((None, 0, 500, 2000)),
        "cost_nano_usd": st.sampled_from((None, 0, 7, 1_000_003)),
        "max_tokens": st.sampled_from((None, 0, 16, 256)),
        "cache_key": st.sampled_from((None, "one", "two")),
        "prompt": st.one_of(st.none(), st.integers(0, 5)),
        "prefix_digest": st.sampled_from((None, 1, 2)),
        "tags": st.sampled_from(({}, {}, {"team": "a"}, {"router": "shadow"}, {"mirror": "m"})),
    }
)


def completed(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """Of one prompt there are one shape and, of every other, one request. Each row ends at a time of its own."""
    prompt = row.pop("prompt")
    row["latency_us"] += number
    digests = {"request_digest": None, "shape_digest": None}
    if prompt is not None:
        digests = {"request_digest": 100 + prompt, "shape_digest": 200 + prompt // 2}
    prefix = None if row["prefix_digest"] is None else 1024
    return {**row, **digests, "prefix_tokens": prefix, "id": f"req_{number:03}"}


@pytest.fixture
def book(each_database: Any, tmp_path: Path) -> KeptCalls:
    return KeptCalls(each_database, tmp_path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(ROWS, min_size=1, max_size=30))
async def test_it_is_what_loops_find(book: KeptCalls, drawn: list[dict[str, Any]]) -> None:
    rows = [completed(number, dict(row)) for number, row in enumerate(drawn)]
    book.clear()
    book.put(rows)
    found = await look_back(shop(ledger=book.ledger, database=book.database), "acme", days=DAYS, until=NOW)
    start = min(min(row["time_ms"] for row in rows), END - DAY_MS)
    brute = Brute(rows, (start + END) // 2)
    assert found.calls == len(brute.paid)
    assert found.fingerprinted == sum(row["request_digest"] is not None for row in brute.paid)
    cells = {
        (one.half, *one.group, one.tier, one.size, one.repeat, one.near): (
            *(one.calls, one.cost, one.prompt, one.completion, one.cached),
            *(one.limited, one.limits, one.cut),
        )
        for one in found.cells
    }
    assert cells == brute.cells()
    assert {(one.reason, one.half): (one.calls, one.cost, one.soon) for one in found.repeats} == brute.repeats()
    cuts = Counter({(one.half, one.group, one.repeat): one.cost for one in found.cuts})
    assert cuts == brute.cuts()
    begun = {(one.half, one.group, one.prefix): (one.calls, one.warm, one.discounted) for one in found.beginnings}
    assert begun == brute.beginnings()


async def test_of_very_many_some_prompts_are_looked_at_with_all_that_was_asked_like_them(book: KeptCalls) -> None:
    """Each prompt is asked twice; what is found of a third of them is three times what loops find of that third."""
    rows = [
        {"time_ms": END - 1 - 1000 * number, "id": f"req_{number}", "cost_nano_usd": 1 + number, "prompt_tokens": 200}
        for number in range(120)
    ]
    for number, row in enumerate(rows):
        row |= {"request_digest": 1000 + number // 2, "shape_digest": number // 2}
    book.put(rows)
    found = await look_back(shop(ledger=book.ledger, database=book.database), "acme", days=DAYS, until=NOW, part=3)
    third = [row for row in rows if row["shape_digest"] % 3 == 0]
    assert (found.part, found.calls) == (3, 3 * len(third))
    assert sum(one.cost for one in found.cells) == 3 * sum(row["cost_nano_usd"] for row in third)
    assert sum(one.calls for one in found.repeats) == 3 * len(third) / 2
    assert sum(one.cost for one in found.repeats) == 3 * sum(row["cost_nano_usd"] for row in third[::2])


async def test_another_organizations_calls_are_none_of_it(book: KeptCalls) -> None:
    row = {"time_ms": END - 1, "cost_nano_usd": 5, "request_digest": 1, "shape_digest": 1}
    book.put([{**row, "organization": "other"}, {**row, "organization": "other", "id": "b"}])
    found = await look_back(shop(ledger=book.ledger, database=book.database), "acme", days=DAYS, until=NOW)
    assert (found.calls, found.cells, found.repeats) == (0, (), ())
