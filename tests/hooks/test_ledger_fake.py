"""The ledger that plugins are tested with. The tests of the real one compare their answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from hooks import EVERY_ORGANIZATION, Ledger, Sums, Unanswerable
from hooks.testing import FakeCall, FakeLedger

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def ledger() -> FakeLedger:
    return FakeLedger(
        FakeCall(at=NOON, user="ada", cost_nano_usd=5, prompt_tokens=9, seconds=0.3, tags={"team": "a"}),
        FakeCall(at=NOON + timedelta(days=1), source="cache", saved_nano_usd=7, seconds=0.1),
        FakeCall(at=NOON, status=500, source="error", cost_nano_usd=None, complete=False, seconds=0.2),
        FakeCall(at=NOON, organization="globex", cost_nano_usd=1_000),
    )


async def test_it_is_a_ledger() -> None:
    asked: Ledger = ledger()
    assert await asked.spent("acme", since=NOON) == 5


async def test_a_call_is_found_by_its_id_in_its_organization() -> None:
    fake = FakeLedger(FakeCall(at=NOON, id="req_1", model="small", route="why", complexity="simple"))
    found = await fake.find("acme", "req_1")
    assert found is not None
    assert (found.model, found.requested_model, found.route, found.complexity) == ("small", "small", "why", "simple")
    assert await fake.find("globex", "req_1") is None
    assert await fake.find("acme", "req_2") is None


async def test_sums_count_what_calls_came_to() -> None:
    [sums] = await ledger().usage("acme", since=NOON)
    assert sums == Sums(
        group={},
        calls=3,
        errors=1,
        hits=1,
        incomplete=1,
        prompt_tokens=9,
        cost_nano_usd=5,
        saved_nano_usd=7,
        unpriced=1,
        seconds_sum=0.6,
    )


async def test_all_organizations_together_are_asked_for_by_name_and_told_apart_then_only() -> None:
    both = FakeLedger(
        FakeCall(at=NOON, organization="acme", status=429, cost_nano_usd=1), FakeCall(at=NOON, organization="globex")
    )
    found = await both.usage(EVERY_ORGANIZATION, since=NOON, group_by=("organization",))
    assert [(one.group["organization"], one.calls, one.limited) for one in found] == [("acme", 1, 1), ("globex", 1, 0)]
    assert await both.spent(EVERY_ORGANIZATION, since=NOON) == 1
    with pytest.raises(Unanswerable, match="unknown dimension 'organization'"):
        await both.usage("acme", since=NOON, group_by=("organization",))


async def test_of_all_organizations_some_can_be_meant() -> None:
    ledger = FakeLedger(*(FakeCall(at=NOON, organization=one, cost_nano_usd=1) for one in ("acme", "globex", "acme")))
    [found] = await ledger.usage(EVERY_ORGANIZATION, since=NOON, group_by=("organization",), among={"globex"})
    assert (found.group["organization"], found.calls) == ("globex", 1)


async def test_groups_come_in_the_order_of_their_values() -> None:
    found = await ledger().usage("acme", since=NOON, group_by=("day", "user"))
    assert [(dict(one.group), one.calls) for one in found] == [
        ({"day": "2026-01-15", "user": ""}, 1),
        ({"day": "2026-01-15", "user": "ada"}, 1),
        ({"day": "2026-01-16", "user": ""}, 1),
    ]


async def test_until_is_not_included_and_zones_are_heeded() -> None:
    berlin = timezone(timedelta(hours=1))
    day = NOON + timedelta(days=1)
    assert [one.calls for one in await ledger().usage("acme", since=NOON, until=day.astimezone(berlin))] == [2]
    assert await ledger().usage("acme", since=day.astimezone(berlin), until=day, group_by=("model",)) == ()


async def test_latencies_are_exact() -> None:
    assert await ledger().latency("acme", since=NOON, quantiles=(0, 0.5, 1)) == (0.1, 0.2, 0.3)
    assert await ledger().latency("nobody", since=NOON) is None


@pytest.mark.parametrize(
    ("filters", "calls"), [({"tag": "team=a"}, 1), ({"tag": "team=b"}, 0), ({"user": ""}, 2), ({"model": "sim"}, 3)]
)
async def test_filters(filters: dict[str, str], calls: int) -> None:
    [sums] = await ledger().usage("acme", since=NOON, **filters)  # type: ignore[arg-type]
    assert sums.calls == calls


async def test_every_call_is_kept() -> None:
    assert await ledger().calls_since() == datetime(1970, 1, 1, tzinfo=UTC)


async def test_calls_can_be_added() -> None:
    book = ledger()
    book.add(FakeCall(at=NOON, cost_nano_usd=1))
    assert await book.spent("acme", since=NOON) == 6
