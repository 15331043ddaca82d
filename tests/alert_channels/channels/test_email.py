"""E-mail to a real SMTP server: over TLS or not at all, and texts that are nothing but texts."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cognitude_plugins.alert_channels.channels.email import Email
from hooks import Message, Outbound, Receipt
from tests.alert_channels.receivers import (
    LOOPBACK,
    Certificate,
    MailServer,
    certificate,
    hostile_message,
    mailing,
    message,
)
from tests.borrowed import reaching

PASSWORD = "pa55-canary"


@pytest.fixture
def good(tmp_path: Path) -> Certificate:
    return certificate(tmp_path)


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    async with reaching(LOOPBACK) as made:
        yield made


def email(server: MailServer, trusted: Certificate | None, **more: Any) -> Email:
    values = {"host": "127.0.0.1", "port": server.port, "from": "alerts@example.com", "to": ["ops@example.com"]}
    ca = {} if trusted is None else {"ca_file": trusted.ca}
    return Email(Email.Config.model_validate({**values, **ca, **more}))


async def sent(one: Email, outbound: Outbound, what: Message | None = None) -> Receipt:
    return await one.send(what or message(), outbound, now=datetime.now(UTC))


async def test_a_mail_is_sent_over_starttls_after_logging_in(good: Certificate, outbound: Outbound) -> None:
    async with mailing(good, auth=True) as server:
        receipt = await sent(email(server, good, username="me", password=PASSWORD), outbound)
    assert receipt == Receipt(delivered=True, detail="accepted", status=250)
    assert server.logins == [("me", PASSWORD, True)]
    [mail] = server.mails
    assert (mail["from"], mail["to"], mail["subject"]) == (
        "alerts@example.com",
        "ops@example.com",
        "[critical] Error rate is 12 %",
    )
    assert (mail["message-id"], mail["auto-submitted"]) == ("<msg_1@example.com>", "auto-generated")
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert "gpt-4o  12" in plain.get_content()
    assert html is not None
    assert "<td>gpt-4o</td><td>12</td>" in html.get_content()


async def test_a_mail_is_sent_over_implicit_tls(good: Certificate, outbound: Outbound) -> None:
    async with mailing(good, implicit=True, auth=True) as server:
        one = email(server, good, tls="implicit", username="me", password=PASSWORD)
        assert (await sent(one, outbound)).delivered
    assert len(server.mails) == 1


async def test_without_tls_only_where_it_is_said(outbound: Outbound) -> None:
    async with mailing(None, auth=True) as server:
        refused = await sent(email(server, None, username="me", password=PASSWORD), outbound)
        assert refused.detail == "tls: the server offers no STARTTLS, and without it nothing is sent"
        assert (server.mails, server.logins) == ([], [])
        assert (await sent(email(server, None, tls="none"), outbound)).delivered
    assert len(server.mails) == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_that_is_not_good_ends_it(tmp_path: Path, outbound: Outbound, tls: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    good, other = certificate(tmp_path), certificate(tmp_path / "a", address="127.0.0.2")
    expired = certificate(tmp_path / "b", days=-1)
    for server_has, trusted in ((good, None), (other, other), (expired, expired)):
        async with mailing(server_has, implicit=tls == "implicit", auth=True) as server:
            receipt = await sent(email(server, trusted, tls=tls, username="me", password=PASSWORD), outbound)
        assert receipt.detail.startswith("tls: the server's certificate is not accepted"), receipt
        assert not receipt.delivered
        assert (server.mails, server.logins) == ([], [])


async def test_tls_with_who_speaks_none_ends_it(good: Certificate, outbound: Outbound) -> None:
    async with mailing(None) as server:
        receipt = await sent(email(server, good, tls="implicit"), outbound)
    assert not receipt.delivered
    assert receipt.detail.startswith("tls: ")


async def test_mails_of_one_alert_belong_together(good: Certificate, outbound: Outbound) -> None:
    async with mailing(good) as server:
        one = email(server, good)
        for id, about in (("msg_1", "alert_1"), ("msg_2", "alert_1"), ("msg_3", "alert_2"), ("msg_4", "")):
            await sent(one, outbound, message(id=id, about=about))
    first, second, other, alone = server.mails
    assert first["references"] == second["references"] == second["in-reply-to"] != other["references"]
    assert alone["references"] is None
    assert first["message-id"] != second["message-id"]


async def test_hostile_texts_are_inert(good: Certificate, outbound: Outbound) -> None:
    async with mailing(good) as server:
        assert (await sent(email(server, good), outbound, hostile_message())).delivered
    [mail] = server.mails
    assert (mail["bcc"], len(mail.get_all("subject") or ()), mail.defects) == (None, 1, [])
    assert server.recipients == ["ops@example.com"]
    html = mail.get_body(("html",))
    assert html is not None
    text = html.get_content()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "<b>" not in text
    assert all(one in b"\t\r\n" or 32 <= one < 127 for one in server.raw[0])


@pytest.mark.parametrize(
    "title",
    [
        "=?utf-8?q?a=0d=0aBcc:_eve@example.com?= b",
        "=?utf-8?b?DQpCY2M6IGV2ZUBleGFtcGxlLmNvbQ0KDQpib2R5?=",
        f"{'x' * 80} ==??utf-8?q?=0d=0aBcc:_eve@example.com=0d=0a=0d=0abody?=",
    ],
)
async def test_what_looks_like_an_encoded_word_is_not_decoded(
    title: str, good: Certificate, outbound: Outbound
) -> None:
    async with mailing(good) as server:
        assert (await sent(email(server, good), outbound, message(title))).delivered
    [mail] = server.mails
    assert (mail["bcc"], mail.defects, len(list(mail.iter_parts()))) == (None, [], 2)
    assert mail["subject"] == f"[critical] {title}".replace("=?", "= ?")


@pytest.mark.parametrize(
    ("refuse", "detail", "retry"),
    [
        ({"AUTH": "535 5.7.8 no: pa55-canary"}, "SMTP 535: the login was refused", False),
        ({"MAIL": "451 later"}, "SMTP 451: the sender was refused", True),
        ({"MAIL": "550 no"}, "SMTP 550: the sender was refused", False),
        ({"DATA": "452 full"}, "SMTP 452: the message was refused", True),
        ({"DATA": "554 spam pa55-canary"}, "SMTP 554: the message was refused", False),
        ({"RCPT:ops@example.com": "550 nobody"}, "SMTP 550: all recipients were refused", False),
        ({"RCPT:ops@example.com": "450 later"}, "SMTP 450: all recipients were refused", True),
    ],
)
async def test_what_the_server_refuses_is_understood(
    good: Certificate, outbound: Outbound, refuse: dict[str, str], detail: str, retry: bool
) -> None:
    async with mailing(good, auth=True) as server:
        server.refuse = refuse
        receipt = await sent(email(server, good, username="me", password=PASSWORD), outbound)
    assert (receipt.delivered, receipt.detail, receipt.retry) == (False, detail, retry)
    assert server.mails == []


async def test_a_recipient_who_is_refused_is_noted_and_the_others_get_it(good: Certificate, outbound: Outbound) -> None:
    async with mailing(good) as server:
        server.refuse = {"RCPT:b@example.com": "550 nobody"}
        receipt = await sent(email(server, good, to=["a@example.com", "b@example.com", "c@example.com"]), outbound)
    assert receipt.delivered
    assert receipt.detail == "accepted, but 1 of 3 recipients were refused (550)"
    assert server.recipients == ["a@example.com", "c@example.com"]


async def test_a_server_that_is_away_or_says_nothing_is_tried_again(
    good: Certificate, outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cognitude_plugins.alert_channels.channels.email._SECONDS", 0.3)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        silent = MailServer(port=listening.getsockname()[1])
        receipt = await sent(email(silent, good), outbound)
        assert (receipt.retry, receipt.detail.partition(":")[0]) == (True, "timeout")
    away = await sent(email(silent, good), outbound)
    assert (away.retry, away.detail.startswith("connection: 127.0.0.1 ")) == (True, True)


async def test_an_address_that_is_not_allowed_is_not_connected_to(good: Certificate) -> None:
    async with mailing(good) as server, reaching() as closed:
        receipt = await sent(email(server, good), closed)
    assert receipt.detail.startswith("forbidden: ")


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"tls": "none", "username": "me", "password": "x"}, "no password is sent"),
        ({"username": "me"}, "go together"),
        ({"host": "mail.example.com\r\nQUIT"}, "name or the IP address"),
        ({"host": "http://mail.example.com"}, "name or the IP address"),
        ({"from": "a@example.com\r\nBcc: b@example.com"}, "pattern"),
        ({"to": ["a@example.com>, <b@example.com"]}, "pattern"),
        ({"to": []}, "at least 1"),
        ({"tls": "maybe"}, "starttls"),
        ({"port": 0}, "greater than"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(more: dict[str, Any], rule: str) -> None:
    values = {"host": "mail.example.com", "from": "a@example.com", "to": ["b@example.com"], **more}
    with pytest.raises(ValidationError, match=rule):
        Email.Config.model_validate(values)


@pytest.mark.parametrize("goodbye", ["", "421 too late"])
async def test_what_the_server_took_is_sent_however_it_parts(
    good: Certificate, outbound: Outbound, goodbye: str
) -> None:
    async with mailing(good) as server:
        server.refuse["QUIT"] = goodbye
        receipt = await sent(email(server, good), outbound)
    assert receipt == Receipt(delivered=True, detail="accepted", status=250)
    assert len(server.mails) == 1
