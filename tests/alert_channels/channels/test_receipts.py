"""What an answer over HTTP means for a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cognitude_plugins.alert_channels.channels.receipts import receipt, retry_after, unreached
from hooks import Answer, Receipt, Unreachable

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", timedelta(minutes=2)),
        (" 0 ", timedelta(0)),
        ("Sun, 29 Nov 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Sun, 29 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("9" * 400, timedelta(seconds=10**8)),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("١٢", None),
    ],
)
def test_a_receiver_says_when_to_come_again(text: str, expected: timedelta | None) -> None:
    assert retry_after(Answer(status=429, headers={"retry-after": text}), NOW) == expected


def test_without_a_word_of_it_there_is_none() -> None:
    assert retry_after(Answer(status=429), NOW) is None


def test_what_another_attempt_would_not_change_is_not_tried_again() -> None:
    answer = Answer(status=400, body=b"with a secret")
    assert receipt(answer, now=NOW, final=(400,)) == Receipt(
        delivered=False, detail="HTTP 400", status=400, retry=False
    )
    assert receipt(answer, now=NOW).retry


def test_what_cannot_be_reached_is_tried_again() -> None:
    found = unreached(Unreachable("tls", "example.com has no valid certificate"))
    assert (found.detail, found.retry, found.gone) == ("tls: example.com has no valid certificate", True, False)
