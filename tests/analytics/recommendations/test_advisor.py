"""Constructed traffic with known answers: what was planted is found, and clean traffic is silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import get_ident

import pytest

from cognitude_plugins.analytics.recommendations.advisor import Advice, advise
from cognitude_plugins.analytics.settings import Recommendations
from hooks import Deployment, Usage
from tests.analytics.street import DAYS, NOW, Shop, Street, shop
from tests.borrowed import KeptCalls, sqlite_calls

Planting = Callable[[Street], Street]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[KeptCalls]:
    found = sqlite_calls(tmp_path)
    yield found
    found.close()


async def advised(book: KeptCalls, street: Street) -> Advice:
    book.clear()
    book.put(street.rows)
    gateway = shop(ledger=book.ledger, database=book.database)
    return await advise(gateway, "acme", Recommendations(), days=DAYS, until=NOW)


def of(advice: Advice) -> dict[str, int]:
    return {one.kind: one.saving.month for one in advice.findings}


async def test_clean_traffic_is_silent(book: KeptCalls) -> None:
    for seed in range(2):
        assert of(await advised(book, Street(seed).clean().noise())) == {}


@pytest.mark.parametrize(
    ("kind", "plant"),
    [
        ("cache_opportunity", lambda street: street.repeats(300)),
        ("model_downgrade", lambda street: street.downgrades(600)),
        ("smart_routing", lambda street: street.direct(1500)),
        ("max_tokens", lambda street: street.runaways(8)),
        ("max_tokens", lambda street: street.cuts(120)),
        ("prompt_patterns", lambda street: street.beginnings(1500)),
        ("prompt_patterns", lambda street: street.near(150)),
    ],
)
async def test_what_is_planted_is_found_within_five_percent(book: KeptCalls, kind: str, plant: Planting) -> None:
    street = plant(Street(1).clean().noise())
    advice = await advised(book, street)
    assert of(advice) == {kind: pytest.approx(street.month(kind), rel=0.05)}
    [found] = advice.findings
    assert found.saving.low <= found.saving.month <= found.saving.high
    assert found.total == pytest.approx(found.saving.month, rel=0.01)
    assert advice.total == found.total
    assert found.examples


async def test_no_dollar_is_counted_twice(book: KeptCalls) -> None:
    street = Street(2).clean().repeats(100).downgrades(600).runaways(8).beginnings(1500).near(100)
    # Repeats of what should have gone elsewhere: they are counted as repeats only.
    for row in [row for row in street.rows if row["complexity"] == "simple" and row["model"] == "large"]:
        street.rows.append({**row, "id": f"{row['id']}-again", "time_ms": row["time_ms"] + 5_000})
    advice = await advised(book, street)
    assert len(advice.findings) == 4
    downgrade = next(one for one in advice.findings if one.kind == "model_downgrade")
    assert downgrade.total < 0.9 * downgrade.saving.month
    assert advice.total == sum(one.total for one in advice.findings) < sum(of(advice).values())
    assert advice.total <= sum(row["cost_nano_usd"] for row in street.rows) * 30 // DAYS


async def test_calls_do_not_wait_for_it(book: KeptCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()
    cost = Shop.cost

    def noted(self: Shop, deployment: Deployment, usage: Usage) -> int | None:
        threads.add(get_ident())
        return cost(self, deployment, usage)

    monkeypatch.setattr(Shop, "cost", noted)
    assert of(await advised(book, Street(1).clean(50).downgrades(600)))
    assert threads
    assert get_ident() not in threads
