"""Slack: payloads within its published limits, texts that mention nobody, its answers, its pace."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from cognitude_plugins.alert_channels.channels.slack import Slack, payload
from hooks import Part, Receipt
from tests.alert_channels.receivers import (
    HOSTILE,
    LOOPBACK,
    NOW,
    answer,
    hostile_message,
    message,
    receiving,
    reset,
    silent,
)
from tests.borrowed import reaching


def texts(found: Any) -> list[dict[str, Any]]:
    """Every text object of a payload."""
    if isinstance(found, dict):
        own = [found] if found.get("type") in ("mrkdwn", "plain_text") else []
        return own + [one for value in found.values() for one in texts(value)]
    return [one for value in found for one in texts(value)] if isinstance(found, list) else []


def check(found: dict[str, Any]) -> None:
    """The limits of https://docs.slack.dev/reference/block-kit/blocks."""
    assert 0 < len(found["text"]) <= 40_000
    assert 0 < len(found["blocks"]) <= 50
    for block in found["blocks"]:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert len(block["text"]["text"]) <= 150
        elif block["type"] == "context":
            assert 0 < len(block["elements"]) <= 10
        else:
            assert block["type"] == "section"
            assert ("text" in block) != ("fields" in block)
            assert len(block.get("text", {}).get("text", "")) <= 3000
            assert 0 < len(block.get("fields", [0])) <= 10
            assert all(len(one["text"]) <= 2000 for one in block.get("fields", []))
    for text in texts(found["blocks"]):
        assert text["text"]
        assert inert(text["text"])
    assert inert(found["text"])
    assert json.loads(json.dumps(found)) == found


def inert(text: str) -> bool:
    """No control sequence, and no escape that was cut in two."""
    return not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text)


def test_a_message_is_shown_whole() -> None:
    found = payload(message())
    check(found)
    assert found["text"] == "[critical] Error rate is 12 %\nMore than 5 % for 5 minutes."
    assert [block["type"] for block in found["blocks"]] == ["header", "context", "section", "section", "section"]
    assert found["blocks"][1]["elements"][0]["text"] == "acme, 2026-11-29 12:00:00 UTC"
    assert [one["text"] for one in found["blocks"][3]["fields"]] == ["model\ngpt-4o", "value\n12 %"]
    assert found["blocks"][4]["text"]["text"] == "Models\nmodel  errors\ngpt-4o  12\nsim  0"


def test_hostile_texts_are_inert() -> None:
    found = payload(hostile_message())
    check(found)
    assert "<!channel>" not in json.dumps(found)
    assert "&lt;!channel&gt; &lt;@U012AB3CD&gt;" in found["blocks"][0]["text"]["text"]
    assert all(text.get("verbatim", True) for text in texts(found))
    assert (found["parse"], found["link_names"], found["mrkdwn"]) == ("none", False, False)


ANY_TEXT = st.text() | st.text("<>&…!@\n\0", max_size=400).map(lambda text: text * 9) | st.just(HOSTILE * 20)


@given(
    ANY_TEXT,
    st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=25),
    st.lists(st.tuples(ANY_TEXT, st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=3)), max_size=60),
)
def test_whatever_a_message_says_slack_takes_it(text: str, facts: list[Any], parts: list[Any]) -> None:
    made = tuple(Part(heading=heading, columns=("a", "b"), rows=tuple(rows)) for heading, rows in parts)
    check(payload(message(text, text=text, facts=tuple(facts), parts=made)))


def test_sixty_parts_are_cut_to_fifty_blocks_and_it_is_said() -> None:
    parts = tuple(Part(heading=f"part {number}") for number in range(60))
    found = payload(message(parts=parts))
    check(found)
    assert (len(found["blocks"]), found["blocks"][-1]["text"]["text"]) == (50, "…")


@pytest.mark.parametrize(
    ("answering", "expected"),
    [
        (answer(200, b"ok"), Receipt(delivered=True, detail="HTTP 200", status=200)),
        (
            answer(400, b"invalid_blocks"),
            Receipt(delivered=False, detail="HTTP 400 invalid_blocks", status=400, retry=False),
        ),
        (
            answer(403, b"invalid_token"),
            Receipt(delivered=False, detail="HTTP 403 invalid_token", status=403, retry=False),
        ),
        (answer(500, b"https://hooks/secret"), Receipt(delivered=False, detail="HTTP 500", status=500)),
        (
            answer(404, b"no_service"),
            Receipt(delivered=False, detail="HTTP 404 no_service", status=404, retry=False, gone=True),
        ),
        (
            answer(410, b"channel_is_archived"),
            Receipt(delivered=False, detail="HTTP 410 channel_is_archived", status=410, retry=False, gone=True),
        ),
        (
            answer(429, b"rate_limited", retry_after="30"),
            Receipt(delivered=False, detail="HTTP 429 rate_limited", status=429, after=timedelta(seconds=30)),
        ),
        (
            answer(307, location="http://127.0.0.1/"),
            Receipt(delivered=False, detail="HTTP 307: redirects are not followed", status=307),
        ),
    ],
)
async def test_its_answers_are_understood(answering: Any, expected: Receipt) -> None:
    async with receiving(answering) as receiver, reaching(LOOPBACK) as outbound:
        one = Slack(Slack.Config(url=SecretStr(receiver.url("/services/T0/B0/secret"))))
        assert await one.send(message(), outbound, now=NOW) == expected
        check(json.loads(receiver.requests[0].body))


async def test_a_slack_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cognitude_plugins.alert_channels.channels.slack._SECONDS", 0.3)
    for answering, fault in ((reset, "connection"), (silent, "timeout")):
        async with receiving(answering) as receiver, reaching(LOOPBACK) as outbound:
            receipt = await Slack(Slack.Config(url=SecretStr(receiver.url("/secret")))).send(
                message(), outbound, now=NOW
            )
            assert (receipt.delivered, receipt.retry) == (False, True)
            assert receipt.detail.startswith(fault)
            assert "secret" not in receipt.detail


def test_its_pace_is_of_the_webhook_and_does_not_say_it() -> None:
    urls = (SecretStr(f"https://hooks.slack.com/{path}") for path in ("a1", "a1", "b2"))
    one, same, other = (Slack(Slack.Config(url=url)) for url in urls)
    assert one.pace == same.pace != other.pace
    assert one.pace.every == timedelta(seconds=1)
    assert "hooks" not in one.pace.of
