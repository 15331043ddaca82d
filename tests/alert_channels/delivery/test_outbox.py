"""The outbox: a message once, claimed by one, written down by whoever claimed it last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.delivery import outbox
from cognitude_plugins.alert_channels.delivery.outbox import Claimed
from cognitude_plugins.alert_channels.delivery.timetable import DELAYS
from hooks import Message, Part, Receipt
from tests.borrowed import Tables

NOW = 1_764_500_000_000
AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
SENT = Receipt(delivered=True, detail="200", status=200)
FAILED = Receipt(delivered=False, detail="500", status=500)


@pytest.fixture
def tables(each_database: Any, tmp_path: Path) -> Tables:
    tables = Tables(each_database, tmp_path, plugin)
    tables.up()
    return tables


class Box:
    def __init__(self, tables: Tables) -> None:
        self._write = tables._storage.write_now
        self.rows = tables.execute

    def put(self, key: str, channel: str = "c1", organization: str = "acme", now: int = NOW, **more: Any) -> bool:
        kind = more.pop("kind", "firing")
        message = Message(id="", kind=kind, at=AT, organization=organization, title=key)
        return self._write(
            lambda connection: outbox.enqueue(
                connection, channel=channel, dedup_key=key, message=message, now_ms=now, **more
            )
        )

    def claim(self, claim: str = "me", now: int = NOW, most: int = 20, few: int = 3, **more: Any) -> Sequence[Claimed]:
        much = {"most": most, "of_one_channel": few, "of_one_organization": 20, **more}
        return self._write(
            lambda connection: outbox.claim(connection, claim=claim, now_ms=now, until_ms=now + 90_000, **much)
        )

    def settle(self, one: Claimed, receipt: Receipt, now: int = NOW) -> str | None:
        return self._write(
            lambda connection: outbox.settle(connection, one, receipt, began_ms=now, now_ms=now, jitter=0)
        )

    def drop(self, alert: str, now: int = NOW) -> int:
        return self._write(lambda connection: outbox.drop(connection, alert, now_ms=now))

    def state(self, id: str) -> tuple[Any, ...]:
        [found] = self.rows("SELECT state, attempts, due_ms - :now FROM alert_outbox WHERE id = :id", id=id, now=NOW)
        return tuple(found)


@pytest.fixture
def box(tables: Tables) -> Box:
    return Box(tables)


def test_the_same_is_put_in_once_for_each_channel_and_organization(box: Box) -> None:
    assert box.put("cpu")
    assert not box.put("cpu")
    assert box.put("cpu", channel="c2")
    assert box.put("cpu", organization="globex")
    assert len(box.claim()) == 3


def test_a_message_comes_out_as_it_went_in(box: Box) -> None:
    part = Part(heading="Models", columns=("model", "cost"), rows=(("gpt", "$1"), ("sim", "$0")), text="two")
    message = Message(
        id="mine",
        kind="summary",
        at=AT,
        organization="acme",
        title="Ünïcode <!channel>\r\n",
        severity="critical",
        about="alert:1",
        text="text",
        facts=(("a", "1"), ("b", "2")),
        parts=(part,),
        data={"value": 1.5, "list": [1, None]},
    )
    box._write(lambda connection: outbox.enqueue(connection, channel="c", dedup_key="k", message=message, now_ms=NOW))
    [one] = box.claim()
    assert one.message.id.startswith("msg_")
    assert one.message == Message(**{**{f: getattr(message, f) for f in message.__slots__}, "id": one.message.id})


def test_a_claimed_message_is_nobody_elses_until_the_claim_runs_out(box: Box) -> None:
    box.put("cpu")
    [mine] = box.claim("me")
    assert box.claim("you", NOW + 89_999) == []
    [yours] = box.claim("you", NOW + 90_000)
    assert yours.message == mine.message
    assert box.settle(mine, SENT) is None, "a late writer changes nothing"
    assert box.rows("SELECT count(*) FROM alert_attempt") == [(0,)]
    assert box.settle(yours, SENT) == "sent"
    assert box.settle(yours, FAILED) is None
    assert box.rows("SELECT count(*) FROM alert_attempt") == [(1,)]


def test_what_fails_is_tried_on_the_timetable_and_then_given_up(box: Box) -> None:
    box.put("cpu")
    now = NOW
    for delay in DELAYS[1:]:
        [one] = box.claim(now=now)
        assert box.settle(one, FAILED, now) == "waiting"
        now += int(delay.total_seconds() * 1000)
        assert box.claim(now=now - 1) == []
    [one] = box.claim(now=now)
    assert (one.attempts, box.settle(one, FAILED, now)) == (7, "failed")
    assert box.claim(now=now + 10**9) == []
    assert box.rows("SELECT count(*), min(detail), max(status) FROM alert_attempt") == [(8, "500", 500)]


def test_what_cannot_arrive_is_not_tried_again(box: Box) -> None:
    box.put("cpu")
    [one] = box.claim()
    assert box.settle(one, Receipt(delivered=False, detail="no", retry=False)) == "failed"


def test_a_receiver_that_asks_for_time_gets_it(box: Box) -> None:
    box.put("cpu")
    [one] = box.claim()
    box.settle(one, Receipt(delivered=False, detail="429", after=timedelta(seconds=77)))
    assert box.state(one.message.id) == ("waiting", 1, 77_000)


def test_of_one_channel_only_a_few_are_claimed_at_once(box: Box) -> None:
    for number in range(5):
        box.put(f"a{number}", channel="slow")
    box.put("b", channel="other", now=NOW + 1)
    found = [one.channel for one in box.claim(now=NOW + 1)]
    assert sorted(found) == ["other", "slow", "slow", "slow"]
    assert box.claim("you", now=NOW + 1, without={"slow"}) == []
    assert len(box.claim("you", now=NOW + 1)) == 2


def test_organizations_take_turns(box: Box) -> None:
    for number in range(50):
        box.put(f"a{number}", now=NOW - 50 + number)
    box.put("b", organization="globex", now=NOW + 1)
    firsts = set[str]()
    while len(firsts) < 2:
        found = box.claim(now=NOW + 1)
        assert sorted(one.message.title for one in found) == ["a0", "a1", "b"]
        firsts.add(found[0].message.organization)
        for one in found:
            box.rows("UPDATE alert_outbox SET claim = NULL, claimed_ms = 0 WHERE id = :id", id=one.message.id)


def test_of_one_organization_only_a_share_is_claimed_at_once(box: Box) -> None:
    for number in range(8):
        box.put(f"a{number}", channel=f"c{number}", now=NOW - 50 + number)
    box.put("b", organization="globex", channel="c9", now=NOW + 1)
    found = box.claim(now=NOW + 1, of_one_organization=5)
    assert sorted(one.message.title for one in found) == ["a0", "a1", "a2", "a3", "a4", "b"]
    assert box.claim("you", now=NOW + 1, without_organizations=["acme"]) == []


def test_beyond_so_many_the_oldest_are_given_up(box: Box) -> None:
    for number in range(5):
        box.put(f"a{number}", now=NOW + number)
    box.put("b", channel="c2")
    [sending] = box.claim(most=1, few=1, without={"c2"})
    assert box._write(lambda connection: outbox.shed(connection, most=2, now_ms=NOW + 10)) == 2
    rows = box.rows("SELECT message, state FROM alert_outbox")
    failed = {orjson.loads(message)["title"] for message, state in rows if state == "failed"}
    assert (sending.message.title, failed) == ("a0", {"a1", "a2"})


def test_what_is_due_later_waits_and_the_oldest_comes_first(box: Box) -> None:
    box.put("late", due_ms=NOW + 5000)
    box.put("second", due_ms=NOW - 1)
    box.put("first", due_ms=NOW - 2)
    assert [one.message.title for one in box.claim(most=1)] == ["first"]
    assert [one.message.title for one in box.claim()] == ["second"]
    assert [one.message.title for one in box.claim(now=NOW + 5000)] == ["late"]


def test_an_end_waits_until_what_it_ends_was_sent_or_given_up(box: Box) -> None:
    """A receiver that hears of the end first, as of an incident that it does not have, would never close it."""
    box.put("fires", alert="alert-1", thread="rule-1")
    [firing] = box.claim()
    box.put("ends", kind="resolved", alert="alert-1", thread="rule-1", now=NOW + 1)
    box.put("ends", "c2", kind="resolved", alert="alert-1", now=NOW + 1)
    assert [one.channel for one in box.claim(now=NOW + 1)] == ["c2"], "while it is being sent"
    assert box.settle(firing, FAILED, NOW + 1) == "waiting"
    assert box.claim(now=NOW + 2) == [], "while it is to be tried again"
    [firing] = box.claim(now=NOW + 5001)
    box.settle(firing, SENT, NOW + 5001)
    assert [one.message.kind for one in box.claim(now=NOW + 5001)] == ["resolved"]


def test_an_end_waits_for_earlier_messages_of_its_thread_and_others_do_not(box: Box) -> None:
    box.put("both", thread="rule-1")
    [firing] = box.claim(now=NOW)
    box.put("one ends", kind="resolved", alert="alert-1", thread="rule-1", now=NOW + 1)
    box.put("another fires", alert="alert-3", thread="rule-1", now=NOW + 1)
    box.put("other", kind="resolved", alert="alert-2", thread="rule-2", now=NOW + 1)
    assert {one.message.title for one in box.claim(now=NOW + 1)} == {"another fires", "other"}
    box.settle(firing, Receipt(delivered=False, detail="no", retry=False), NOW + 1)
    assert [one.message.title for one in box.claim(now=NOW + 1)] == ["one ends"]


def test_only_what_nobody_has_begun_to_send_is_dropped(box: Box) -> None:
    for key, channel in (("a", "c1"), ("b", "c2"), ("c", "c3")):
        box.put(key, channel=channel, alert="alert-1", due_ms=NOW if key != "c" else NOW + 1000)
    box.put("other", channel="c9", alert="alert-2", due_ms=NOW + 1000)
    tried, held = box.claim()
    box.settle(tried, FAILED)
    assert box.drop("alert-1") == 1
    states = dict(box.rows("SELECT channel, state FROM alert_outbox"))
    assert states == {"c1": "waiting", "c2": "waiting", "c3": "dropped", "c9": "waiting"}
    assert box.settle(held, SENT) == "sent"


def test_those_who_claim_at_once_share(tables: Tables, box: Box) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for number in range(40):
        box.put(f"k{number}", channel=f"c{number % 8}")
    with ThreadPoolExecutor(4) as threads:
        found = [one for each in threads.map(lambda name: box.claim(name, few=5), "abcd") for one in each]
    ids = [one.message.id for one in found]
    assert len(ids) == len(set(ids))
    rest = [one.message.id for one in box.claim("e", most=100, few=100)]
    assert len({*ids, *rest}) == 40
