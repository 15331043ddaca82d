"""The courier over a real database: everything that is due is sent, once, whatever one receiver does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.channels.directory import Known
from cognitude_plugins.alert_channels.channels.settings import Wants
from cognitude_plugins.alert_channels.channels.target import Target
from cognitude_plugins.alert_channels.delivery.courier import FEW, MOST, SHARE, Courier
from cognitude_plugins.alert_channels.delivery.outbox import Claimed
from hooks import Message, Outbound, Receipt
from tests.alert_channels.opened import Office, opened
from tests.alert_channels.receivers import answer, message, receiving, reset, silent
from tests.borrowed import Tables


@pytest.fixture
def tables(each_database: Any, tmp_path: Path) -> Tables:
    return Tables(each_database, tmp_path, plugin)


@pytest.fixture
async def office(tables: Tables) -> AsyncIterator[Office]:
    async with opened(tables.lent(), {"delivery": {"timeout_seconds": 1}}) as found:
        yield found


def due(tables: Tables) -> None:
    """What waits is to be sent now."""
    tables.execute("UPDATE alert_outbox SET due_ms = 0 WHERE state = 'waiting'")


async def test_a_message_is_sent_once_and_written_down(office: Office) -> None:
    async with receiving() as receiver:
        made = await office.made("admin", "hook", "webhook", {"url": receiver.url()})
        assert await office.put(made["id"])
        assert not await office.put(made["id"]), "the same is not put in twice"
        assert (await office.sent(), await office.sent()) == (1, 0)
        [delivery] = await office.deliveries(made["id"])
        [attempt] = delivery["attempts"]
        assert (delivery["state"], attempt["delivered"], attempt["status"]) == ("sent", True, 200)
        assert [one.headers["webhook-id"] for one in receiver.requests] == [delivery["id"]]


async def test_what_fails_is_tried_again_under_the_same_id(office: Office, tables: Tables) -> None:
    async with receiving(answer(500), reset, answer(200)) as receiver:
        made = await office.made("admin", "hook", "webhook", {"url": receiver.url()})
        await office.put(made["id"])
        for _ in range(3):
            assert await office.sent() == 1
            assert await office.sent() == 0, "not before its time"
            due(tables)
        [delivery] = await office.deliveries(made["id"])
        details = [one["detail"] for one in delivery["attempts"]]
        assert details[0] == "HTTP 500"
        assert details[1].startswith("connection: ")
        assert (details[2], delivery["state"]) == ("HTTP 200", "sent")
        assert {one.headers["webhook-id"] for one in receiver.requests} == {delivery["id"]}


async def test_a_receiver_that_wants_no_more_is_switched_off_until_it_is_switched_on(
    office: Office, tables: Tables
) -> None:
    async with receiving(answer(410), answer(200)) as receiver, opened(tables.lent()) as other:
        made = await office.made("admin", "hook", "webhook", {"url": receiver.url()})
        await office.put(made["id"], "a")
        await office.put(made["id"], "b")
        await office.sent()
        assert len(receiver.requests) in (1, 2)
        shown = (await office("admin", "GET", f"channels/{made['id']}")).json()
        assert (shown["usable"], shown["gone"]) == (False, "HTTP 410")
        await other.desk.refresh()
        assert other.desk.directory.named("acme", "hook") is None
        again = await office("admin", "PATCH", f"channels/{made['id']}", {"enabled": True})
        assert (again.json()["usable"], again.json()["gone"]) == (True, None)
        for delivery in await office.deliveries(made["id"]):
            if delivery["state"] == "failed":
                redelivered = await office("admin", "POST", f"deliveries/{delivery['id']}/redeliver", {})
                assert redelivered.status_code == 202, redelivered.text
        await office.sent()
        found = await office.deliveries(made["id"])
        assert [one["state"] for one in found] == ["sent", "sent"]
        assert {one.headers["webhook-id"] for one in receiver.requests} == {one["id"] for one in found}


async def test_a_declared_channel_is_switched_on_again_too(tables: Tables) -> None:
    async with receiving(answer(410)) as receiver:
        config = {"channels": {"hook": {"type": "slack", "url": receiver.url(), "organization": "acme"}}}
        async with opened(tables.lent(), config) as office:
            await office.put("yaml:hook")
            await office.sent()
            assert office.desk.directory.targets("acme") == ()
            assert office.desk.status()["status"] == "ok"
            assert (await office("admin", "PATCH", "channels/yaml:hook", {"enabled": True})).json()["usable"]


async def test_redelivering_begins_anew_with_the_same_id(office: Office) -> None:
    async with receiving() as receiver:
        made = await office.made("admin", "hook", "webhook", {"url": receiver.url()})
        await office.put(made["id"])
        await office.sent()
        [delivery] = await office.deliveries(made["id"])
        again = (await office("admin", "POST", f"deliveries/{delivery['id']}/redeliver", {})).json()
        assert (again["id"], again["state"]) == (delivery["id"], "waiting")
        await office.sent()
        assert [one.headers["webhook-id"] for one in receiver.requests] == [delivery["id"]] * 2
        assert len((await office.deliveries(made["id"]))[0]["attempts"]) == 2
        await office("admin", "PATCH", f"channels/{made['id']}", {"enabled": False})
        refused = await office("admin", "POST", f"deliveries/{delivery['id']}/redeliver", {})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "channel_off")


async def test_a_slow_receiver_holds_up_no_other(office: Office) -> None:
    async with receiving(silent) as slow, receiving() as fast:
        stuck = await office.made("admin", "slow", "webhook", {"url": slow.url()})
        other = await office.made("admin", "fast", "webhook", {"url": fast.url()})
        for number in range(3 * FEW):
            await office.put(stuck["id"], f"k{number}")
        assert await office.desk.courier.round() == FEW
        await office.put(other["id"])
        assert await office.desk.courier.round() == 1, "nothing more to the one that is slow"
        while not fast.requests:
            await asyncio.sleep(0.01)
        await office.desk.courier.idle(10)
        details = [one["attempts"][0]["detail"] for one in await office.deliveries(stuck["id"]) if one["attempts"]]
        assert details == ["timeout: it was not sent within 1 s"] * FEW


async def test_an_organization_with_slow_receivers_holds_up_no_other(office: Office) -> None:
    async with receiving(silent) as slow, receiving() as fast:
        for number in range(MOST):
            stuck = await office.made("admin", f"slow{number}", "webhook", {"url": slow.url()})
            await office.put(stuck["id"])
        assert [await office.desk.courier.round() for _ in range(3)] == [SHARE, 0, 0]
        other = await office.made("foreign", "fast", "webhook", {"url": fast.url()})
        await office.put(other["id"], organization="globex")
        assert await office.desk.courier.round() == 1
        while not fast.requests:
            await asyncio.sleep(0.01)


async def test_slack_gets_one_message_a_second_from_all_processes(office: Office, tables: Tables) -> None:
    async with receiving() as receiver, opened(tables.lent()) as other:
        one = await office.made("admin", "one", "slack", {"url": receiver.url()})
        two = await office.made("admin", "two", "slack", {"url": receiver.url()})
        for number in range(3):
            await office.put(one["id"], f"k{number}")
            await office.put(two["id"], f"k{number}")
        await asyncio.gather(office.sent(), other.sent())
        assert len(receiver.requests) == 1
        states = [delivery["state"] for id in (one["id"], two["id"]) for delivery in await office.deliveries(id)]
        assert sorted(states) == ["sent", *["waiting"] * 5]
        # As if the second were over.
        tables.execute("UPDATE alert_channel_state SET free_ms = 0")
        due(tables)
        await asyncio.gather(office.sent(), other.sent())
        assert len(receiver.requests) == 2


async def test_a_slack_that_asks_for_time_gets_it_for_all_its_messages(office: Office, tables: Tables) -> None:
    async with receiving(answer(429, retry_after="60"), answer(200)) as receiver:
        one = await office.made("admin", "one", "slack", {"url": receiver.url()})
        await office.put(one["id"], "a")
        await office.sent()
        await office.put(one["id"], "b")
        await office.sent()
        assert len(receiver.requests) == 1
        [(free_ms,)] = tables.execute("SELECT free_ms FROM alert_channel_state")
        assert free_ms - office.desk.now_ms() > timedelta(seconds=30) / timedelta(milliseconds=1)


async def test_what_was_being_sent_at_the_end_is_given_back(tables: Tables) -> None:
    database = tables.lent()
    async with receiving(silent, answer(200)) as receiver:
        async with opened(database) as first:
            made = await first.made("admin", "hook", "webhook", {"url": receiver.url()})
            await first.put(made["id"])
            await first.desk.courier.round()
            while not receiver.requests:
                await asyncio.sleep(0.01)
        async with opened(database) as second:
            assert await second.sent() == 1
            [delivery] = await second.deliveries(made["id"])
        assert delivery["state"] == "sent"
        assert {one.headers["webhook-id"] for one in receiver.requests} == {delivery["id"]}


async def test_what_waits_for_a_deleted_channel_is_dropped(office: Office, tables: Tables) -> None:
    made = await office.made("admin", "hook", "slack", {"url": "http://127.0.0.1:2999/x"})
    await office.put(made["id"])
    await office("admin", "DELETE", f"channels/{made['id']}")
    assert tables.execute("SELECT state FROM alert_outbox") == [("dropped",)]
    assert await office.sent() == 0


async def test_a_channel_that_this_process_does_not_know_is_tried_later(office: Office, tables: Tables) -> None:
    """As while another version of plugins.yaml is being rolled out."""
    await office.put("yaml:new")
    await office.sent()
    assert tables.execute("SELECT state, attempts FROM alert_outbox") == [("waiting", 1)]
    assert tables.execute("SELECT detail FROM alert_attempt") == [("there is no such channel here",)]


async def test_what_was_sent_long_ago_is_forgotten_and_what_waits_is_not(office: Office, tables: Tables) -> None:
    async with receiving() as receiver:
        made = await office.made("admin", "hook", "webhook", {"url": receiver.url()})
        for key in ("old", "new"):
            await office.put(made["id"], key)
        await office.sent()
        await office.put(made["id"], "waiting")
        tables.execute("UPDATE alert_outbox SET created_ms = 0 WHERE dedup_key NOT LIKE '%new'")
        await office.desk.sweep()
        states = {one["state"] for one in await office.deliveries(made["id"])}
        assert (states, tables.execute("SELECT count(*) FROM alert_attempt")) == ({"sent", "waiting"}, [(1,)])


async def test_health_says_what_waits_and_what_was_given_up(office: Office, tables: Tables) -> None:
    made = await office.made("admin", "hook", "slack", {"url": "http://127.0.0.1:2999/x"})
    for key in ("a", "b"):
        await office.put(made["id"], key)
    tables.execute("UPDATE alert_outbox SET state = 'failed' WHERE dedup_key LIKE '%a'")
    await office.desk.deliver()
    status = office.desk.status()
    assert (status["status"], status["waiting"], status["failed"]) == ("ok", 1, 1)
    assert status["oldest_waiting_seconds"] >= 0


async def test_a_worker_whose_clock_is_wrong_sends_when_the_others_do(office: Office, tables: Tables) -> None:
    """An hour behind, its claim would have run out before it began; an hour ahead, nothing would wait for its time."""
    for hours in (-1, 1):
        wrong = partial(_later, timedelta(hours=hours))
        async with receiving(answer(500)) as receiver:
            made = await office.made("admin", f"hook{hours + 1}", "webhook", {"url": receiver.url()})
            courier = Courier(
                office.desk.directory,
                office.database,
                office.desk.courier._outbound,
                timeout=1,
                now=wrong,
            )
            await office.put(made["id"])
            # It is due at a millisecond that the database's clock may not have reached yet.
            await asyncio.sleep(0.01)
            assert await courier.round() == 1
            assert await office.desk.courier.round() == 0, "it is claimed"
            await courier.idle(10)
            [(left,)] = tables.execute(
                "SELECT due_ms - :now FROM alert_outbox WHERE channel = :id", now=office.desk.now_ms(), id=made["id"]
            )
            assert 3_000 < left <= 5_500
            assert await courier.round() == 0, "not before its time"


def _later(by: timedelta) -> datetime:
    return datetime.now(UTC) + by


class Careless:
    """A type of channel as a stranger may write it."""

    def __init__(self, does: Any) -> None:
        self._does = does

    async def send(self, message: Message, outbound: Outbound, *, now: datetime) -> Receipt:
        found: Receipt = await self._does()
        return found


async def raises() -> Receipt:
    raise RuntimeError("with a canary-secret in it")


async def refuses_to_end() -> Receipt:
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    raise RuntimeError("late")


async def answers_nonsense() -> Any:
    return "ok"


@pytest.mark.parametrize(
    ("does", "detail"),
    [
        (raises, "the type of channel careless failed with RuntimeError"),
        (answers_nonsense, "the type of channel careless failed with a str in place of a Receipt"),
        (refuses_to_end, "timeout: it was not sent within 1 s"),
    ],
)
async def test_what_a_careless_type_does_is_a_failed_attempt(office: Office, does: Any, detail: str) -> None:
    target = Target(id="c", name="c", organization="acme")
    known = Known(target=target, type="careless", wants=Wants(), channel=Careless(does))  # type: ignore[arg-type]
    one = Claimed(message=message(), channel="c", attempts=0, claim="x")
    assert await office.desk.courier.attempt(known, one) == Receipt(delivered=False, detail=detail)


async def test_what_a_channel_heard_of_others_before_is_not_its_organizations(office: Office) -> None:
    one = await office.made("admin", "one", "webhook", {"url": "http://127.0.0.1:2999/"})
    await office.put(one["id"], "a", organization="globex")
    assert await office.deliveries(one["id"]) == []
    await office.put(one["id"], "b")
    assert [delivery["organization"] for delivery in await office.deliveries(one["id"])] == ["acme"]


@pytest.mark.parametrize(
    ("found", "detail"), [(None, "failed with TypeError"), (RuntimeError("canary-secret"), "failed with RuntimeError")]
)
async def test_so_is_one_whose_send_is_no_coroutine(office: Office, found: Any, detail: str) -> None:
    class Plain:
        def send(self, *given: Any, **named: Any) -> Any:
            if found is not None:
                raise found

    target = Target(id="c", name="c", organization="acme")
    plain: Any = Plain()
    known = Known(target=target, type="plain", wants=Wants(), channel=plain)
    receipt = await office.desk.courier.attempt(known, Claimed(message=message(), channel="c", attempts=0, claim="x"))
    assert receipt == Receipt(delivered=False, detail=f"the type of channel plain {detail}")
