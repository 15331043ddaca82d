"""A webhook, received by a server that verifies it with the standardwebhooks library (W1)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from cognitude_plugins.alert_channels.channels.signature import new_secret
from cognitude_plugins.alert_channels.channels.webhook import Webhook
from hooks import Outbound, Receipt
from tests.alert_channels.receivers import (
    LOOPBACK,
    Receiver,
    Request,
    answer,
    hostile_message,
    message,
    nonsense,
    receiving,
    reset,
    silent,
    slow_body,
)
from tests.borrowed import reaching

SECRET = "whsec_" + b64encode(bytes(range(24))).decode()
OLD = new_secret()


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    async with reaching(LOOPBACK) as made:
        yield made


def webhook(receiver: Receiver, **more: Any) -> Webhook:
    return Webhook(Webhook.Config(url=receiver.url(), **{"secret": SECRET, **more}))


def verified(request: Request, secret: str = SECRET) -> Any:
    return Verifier(secret).verify(request.body, request.headers)


async def sent(one: Webhook, outbound: Outbound, *, now: datetime | None = None) -> Receipt:
    return await one.send(message(), outbound, now=now or datetime.now(UTC))


async def test_what_is_sent_is_verified_and_says_it_all(outbound: Outbound) -> None:
    async with receiving() as receiver:
        receipt = await sent(webhook(receiver, headers={"Authorization": "Bearer x1"}), outbound)
        [request] = receiver.requests
        assert receipt == Receipt(delivered=True, detail="HTTP 200", status=200)
        body = verified(request)
        assert (body["type"], body["timestamp"]) == ("alert.firing", "2026-11-29T12:00:00+00:00")
        assert body["data"]["title"] == "Error rate is 12 %"
        assert body["data"]["data"] == {"value": 0.12, "threshold": 0.05}
        assert request.headers["webhook-id"] == "msg_1"
        assert request.headers["authorization"] == "Bearer x1"


async def test_while_the_secret_is_rotated_either_is_good(outbound: Outbound) -> None:
    now = datetime.now(UTC)
    async with receiving() as receiver:
        one = webhook(receiver, previous=[{"secret": OLD, "until": now + timedelta(hours=1)}])
        await sent(one, outbound, now=now)
        await sent(one, outbound, now=now + timedelta(hours=1))
        during, after = receiver.requests
        verified(during, SECRET)
        verified(during, OLD)
        assert after.headers["webhook-signature"].count("v1,") == 1
        with pytest.raises(WebhookVerificationError):
            Verifier(new_secret()).verify(during.body, during.headers)


@pytest.mark.parametrize("what", ["body", "id", "timestamp", "signature"])
async def test_what_was_tampered_with_is_not_verified(outbound: Outbound, what: str) -> None:
    async with receiving() as receiver:
        await sent(webhook(receiver), outbound)
        [request] = receiver.requests
        headers, body = dict(request.headers), request.body
        if what == "body":
            body = body.replace(b"12 %", b"13 %")
        elif what == "timestamp":
            headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)
        elif what == "id":
            headers["webhook-id"] = "msg_2"
        else:
            headers["webhook-signature"] = "v1," + b64encode(b"x" * 32).decode()
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Verifier(SECRET).verify(body, headers)


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_what_is_not_of_now_is_not_verified(outbound: Outbound, minutes: int) -> None:
    async with receiving() as receiver:
        await sent(webhook(receiver), outbound, now=datetime.now(UTC) + timedelta(minutes=minutes))
        with pytest.raises(WebhookVerificationError, match=r"too (old|new)"):
            verified(receiver.requests[0])


async def test_the_body_is_the_same_each_time(outbound: Outbound) -> None:
    async with receiving() as receiver:
        for _ in range(2):
            await sent(webhook(receiver), outbound)
        assert receiver.requests[0].body == receiver.requests[1].body


async def test_hostile_texts_stay_texts(outbound: Outbound) -> None:
    async with receiving() as receiver:
        assert (await webhook(receiver).send(hostile_message(), outbound, now=datetime.now(UTC))).delivered
        assert verified(receiver.requests[0])["data"]["title"] == hostile_message().title


@pytest.mark.parametrize(
    ("answering", "expected"),
    [
        (answer(204), Receipt(delivered=True, detail="HTTP 204", status=204)),
        (answer(500, b"secret echo"), Receipt(delivered=False, detail="HTTP 500", status=500)),
        (answer(400), Receipt(delivered=False, detail="HTTP 400", status=400)),
        (
            answer(302, location="http://127.0.0.1:1/"),
            Receipt(delivered=False, detail="HTTP 302: redirects are not followed", status=302),
        ),
        (
            answer(429, retry_after="77"),
            Receipt(delivered=False, detail="HTTP 429", status=429, after=timedelta(seconds=77)),
        ),
        (answer(410), Receipt(delivered=False, detail="HTTP 410", status=410, retry=False, gone=True)),
    ],
)
async def test_an_answer_is_understood(outbound: Outbound, answering: Any, expected: Receipt) -> None:
    async with receiving(answering) as receiver:
        assert await sent(webhook(receiver), outbound) == expected
        assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("answering", "fault"),
    [(reset, "connection"), (nonsense, "connection"), (silent, "timeout"), (slow_body, "timeout")],
)
async def test_a_receiver_that_does_not_answer_is_tried_again(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch, answering: Any, fault: str
) -> None:
    monkeypatch.setattr("cognitude_plugins.alert_channels.channels.webhook._SECONDS", 0.3)
    async with receiving(answering) as receiver:
        receipt = await sent(webhook(receiver), outbound)
    assert (receipt.delivered, receipt.retry, receipt.gone) == (False, True, False)
    assert receipt.detail.startswith(f"{fault}: 127.0.0.1 ")
    assert "hook" not in receipt.detail.replace("127.0.0.1", "")


async def test_nobody_there_and_nobody_allowed() -> None:
    async with receiving() as receiver:
        one = webhook(receiver)
        async with reaching() as closed:
            with pytest.raises(ValueError, match=r"^url: "):
                one.check(closed)
    async with reaching(LOOPBACK) as outbound:
        one.check(outbound)
        assert (await sent(one, outbound)).detail == "connection: 127.0.0.1 cannot be reached"


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        "whsec_" + b64encode(b"x" * 65).decode(),
        SECRET.removeprefix("whsec_"),
        "whsec_%%%%",
    ],
)
def test_a_secret_that_is_none_is_refused_without_being_said(secret: str) -> None:
    with pytest.raises(ValidationError, match="24 to 64 bytes in base64") as error:
        Webhook.Config(url="https://example.com", secret=secret)  # type: ignore[arg-type]
    assert len(secret) < 8 or secret not in str(error.value.errors(include_input=False))


@pytest.mark.parametrize(
    ("headers", "rule"),
    [
        ({"webhook-id": "x"}, "is the gateway's own"),
        ({"Content-Length": "1"}, "is the gateway's own"),
        ({"x y": "1"}, "letters, digits and hyphens"),
        ({"x-a": "1\r\nx-b: 2"}, "printable ASCII"),
        ({"x-a": ""}, "printable ASCII"),
        ({"x-a": "1", "X-A": "2"}, "more than once"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(headers: dict[str, str], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        Webhook.Config.model_validate({"url": "https://example.com", "secret": SECRET, "headers": headers})


def test_a_rotated_secret_is_new_and_the_old_ones_are_kept_for_their_time() -> None:
    until = datetime.now(UTC)
    settings: Any = {"url": "https://example.com", "secret": SECRET}
    for _ in range(5):
        settings = Webhook.rotated(settings, until)
    assert settings["secret"] != SECRET
    assert len({settings["secret"], *(one["secret"] for one in settings["previous"])}) == 4
    Webhook.Config.model_validate(json.loads(json.dumps(settings, default=str)))


def test_a_message_says_its_kind_in_its_type() -> None:
    from cognitude_plugins.alert_channels.channels.webhook import body

    kinds = [json.loads(body(replace(message(), kind=kind)))["type"] for kind in ("firing", "resolved", "summary")]  # type: ignore[arg-type]
    assert kinds == ["alert.firing", "alert.resolved", "summary"]
