"""PagerDuty: events in the form of its Events API, version 2."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from cognitude_plugins.alert_channels.channels.pagerduty import PagerDuty
from hooks import Message, Receipt
from tests.alert_channels.receivers import HOSTILE, LOOPBACK, NOW, answer, hostile_message, message, receiving
from tests.borrowed import reaching

KEY = "0123456789abcdef0123456789abcdef"


async def event(what: Message) -> Any:
    async with receiving(answer(202, b"{}")) as receiver, reaching(LOOPBACK) as outbound:
        one = PagerDuty(PagerDuty.Config(routing_key=SecretStr(KEY), url=receiver.url("/v2/enqueue")))
        assert await one.send(what, outbound, now=NOW) == Receipt(delivered=True, detail="HTTP 202", status=202)
        return json.loads(receiver.requests[0].body)


async def test_an_alert_triggers_an_incident_and_its_end_resolves_it() -> None:
    fired, resolved = await event(message()), await event(message(kind="resolved"))
    assert (fired["event_action"], resolved["event_action"]) == ("trigger", "resolve")
    assert fired["dedup_key"] == resolved["dedup_key"] == "alert_1"
    assert fired["routing_key"] == KEY
    assert fired["payload"]["severity"] == "critical"
    assert fired["payload"]["summary"] == "[critical] Error rate is 12 %"
    assert fired["payload"]["custom_details"]["facts"] == {"model": "gpt-4o", "value": "12 %"}


async def test_whatever_is_said_the_event_has_its_form() -> None:
    found = await event(hostile_message())
    assert set(found) == {"routing_key", "event_action", "dedup_key", "payload"}
    assert found["payload"]["custom_details"]["facts"] == {HOSTILE: HOSTILE}
    long = await event(message("x" * 5000, about=""))
    assert (len(long["payload"]["summary"]), long["dedup_key"]) == (1024, "msg_1")


@pytest.mark.parametrize(("status", "retry"), [(400, False), (403, False), (429, True), (500, True), (302, True)])
async def test_its_refusals_are_understood(status: int, retry: bool) -> None:
    async with receiving(answer(status, KEY.encode())) as receiver, reaching(LOOPBACK) as outbound:
        one = PagerDuty(PagerDuty.Config(routing_key=SecretStr(KEY), url=receiver.url()))
        receipt = await one.send(message(), outbound, now=NOW)
    assert (receipt.delivered, receipt.retry, receipt.status) == (False, retry, status)
    assert KEY not in repr(receipt)
