"""Groups in an order, the others added up: nothing of what the ledger has is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.breakdown.breakdown import Asked, added, breakdown
from hooks.testing import FakeCall, FakeLedger

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def asked(**values: Any) -> Asked:
    return Asked(
        **{
            "since": NOON - timedelta(days=9),
            "until": NOON + timedelta(days=1),
            "zone": "UTC",
            "group_by": ("model",),
            **values,
        }
    )


def call(model: str, cost: int, *, days: int = 0, **values: Any) -> FakeCall:
    return FakeCall(at=NOON - timedelta(days=days), model=model, cost_nano_usd=cost, **values)


BOOK = FakeLedger(
    call("a", 5, days=2, tags={"team": "x", "app": "y"}, seconds=1.0),
    call("b", 50, days=1, status=500, seconds=2.0),
    call("c", 7, source="redis_cache", user="ada", seconds=3.0),
    call("c", 7, tags={"team": "x"}, prompt_tokens=900, seconds=4.0),
)


async def names(**values: Any) -> list[str]:
    found = await breakdown(BOOK, "acme", asked(**values))
    return ["/".join(one.group.values()) for one in found.groups]


async def test_the_dearest_come_first_and_times_in_their_order() -> None:
    assert await names() == ["b", "c", "a"]
    assert await names(group_by=("day", "model")) == ["2026-11-18/a", "2026-11-19/b", "2026-11-20/c"]
    assert await names(group_by=("day",), order="cost") == ["2026-11-19", "2026-11-20", "2026-11-18"]


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("calls", "c"),
        ("tokens", "c"),
        ("errors", "b"),
        ("error_rate", "b"),
        ("hit_rate", "c"),
        ("group", "a"),
        ("p95", "c"),
    ],
)
async def test_the_order_is_by_what_was_asked(order: Any, first: str) -> None:
    assert (await names(order=order))[0] == first


async def test_of_times_the_latest_are_kept() -> None:
    assert await names(group_by=("day",), limit=2) == ["2026-11-19", "2026-11-20"]
    assert await names(group_by=("day",), limit=2, order="cost") == ["2026-11-19", "2026-11-20"]


async def test_a_call_with_two_tags_is_in_two_groups_and_once_in_the_total() -> None:
    found = await breakdown(BOOK, "acme", asked(group_by=("tag",)))
    assert {one.group["tag"]: one.calls for one in found.groups} == {"team=x": 2, "app=y": 1}
    assert found.total.calls == 4


async def test_latencies_of_keys_and_users_are_told_when_asked_for() -> None:
    for values, told in (
        ({}, 3),
        ({"latencies": False}, 0),
        ({"group_by": ("user",)}, 0),
        ({"filters": {"key": "key-1"}}, 0),
        ({"group_by": ("user",), "latencies": True}, 3),
    ):
        found = await breakdown(BOOK, "acme", asked(**values))
        assert {len(one.seconds) for one in (*found.groups, found.total)} == {told}


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 99), st.integers(0, 5)), max_size=20),
    st.integers(1, 5),
    st.sampled_from((("model",), ("day",), ("day", "model"))),
    st.sampled_from((None, "calls", "group", "p95")),
)
async def test_groups_and_others_come_to_the_total(
    made: list[tuple[str, int, int]], limit: int, group_by: tuple[str, ...], order: Any
) -> None:
    book = FakeLedger(*(call(model, cost, days=days) for model, cost, days in made))
    found = await breakdown(book, "acme", asked(group_by=group_by, limit=limit, order=order))
    [everything] = await book.usage("acme", since=NOON - timedelta(days=9))
    together = added([*found.groups, *([found.other] if found.other else [])])
    assert (together.calls, together.cost_nano_usd) == (everything.calls, everything.cost_nano_usd)
    assert (found.total.calls, found.total.cost_nano_usd) == (everything.calls, everything.cost_nano_usd)
    assert len(found.groups) <= limit
    assert (found.other is None) == (found.others == 0)
