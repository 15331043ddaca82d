"""What a call adds to its user's sums."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.balancer import exposure
from cognitude_plugins.balancer.exposure import Exposed, Pending, Sums, digest_of, sums_of
from hooks import Outcome

ADA = Exposed("acme", "x", "a", "1")
BOB = Exposed("globex", "x", "a", "2")


def outcome(**more: Any) -> Outcome:
    values: dict[str, Any] = {"status": 200, "source": "provider", "complete": True, "seconds": 1.5, **more}
    return Outcome(**values)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ({"cost_nano_usd": 7}, Sums(calls=1, priced=1, cost_nano_usd=7, timed=1, microseconds=1_500_000)),
        ({}, Sums(calls=1, timed=1, microseconds=1_500_000)),
        ({"status": 503, "cost_nano_usd": 0}, Sums(calls=1, errors=1, priced=1)),
        ({"complete": False, "error": "provider_error"}, Sums(calls=1, errors=1)),
        ({"complete": False, "error": "client_disconnect"}, Sums(calls=1)),
    ],
)
def test_the_sums_of_one_call(ended: dict[str, Any], expected: Sums) -> None:
    assert sums_of(outcome(**ended)) == expected


def test_they_are_added_up_and_taken_once_by_organization() -> None:
    pending = Pending()
    for exposed in (ADA, BOB, ADA):
        pending.add(exposed, Sums(calls=1, scored=1, score=0.5))
    assert pending.take() == {
        "acme": {ADA: Sums(calls=2, scored=2, score=1.0)},
        "globex": {BOB: Sums(calls=1, scored=1, score=0.5)},
    }
    assert pending.take() == {}


def test_they_are_bounded_and_what_is_lost_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposure, "_MOST", 1)
    pending = Pending()
    for exposed in (ADA, BOB, ADA):
        pending.add(exposed, Sums(calls=1))
    assert pending.lost == 1
    assert pending.take() == {"acme": {ADA: Sums(calls=2)}}


def test_the_digest_of_a_user_does_not_name_it_and_is_of_its_organization() -> None:
    assert "ada" not in digest_of("u:ada", "acme")
    assert digest_of("u:ada", "acme") == digest_of("u:ada", "acme") != digest_of("u:ada", "globex")
