"""What is sent to the script and what comes back, as it is on the wire."""

from __future__ import annotations

from cognitude_plugins.limiter.charge import Charge, Correction, Kind, State, Verdict
from cognitude_plugins.limiter.packing import (
    lease_key,
    marked,
    raise_command,
    renew_command,
    reserve_command,
    settle_command,
    subject_key,
    verdict_of,
)

SLIDING = Charge(subject="o", field="minute", kind=Kind.SLIDING, limit=100, amount=1, window=60_000)
CALENDAR = Charge(subject="k:one", field="day", kind=Kind.CALENDAR, limit=25, amount=3, start=10, end=20, after=30)
BUCKET = Charge(subject="o", field="burst", kind=Kind.BUCKET, limit=60, amount=2, window=60_000, burst=9)
LEASE = Charge(subject="o", field="running", kind=Kind.LEASE, limit=50, amount=1, window=90_000)


def test_each_subject_and_each_set_of_leases_is_a_key_in_one_slot() -> None:
    keys, argv = reserve_command("cognitude:limiter", "acme", "call-1", [SLIDING, CALENDAR, BUCKET, LEASE])
    assert keys == [
        "cognitude:limiter:{acme}:o",
        "cognitude:limiter:{acme}:k:one",
        "cognitude:limiter:{acme}:o:running",
    ]
    assert keys[0] == subject_key("cognitude:limiter", "acme", "o")
    assert keys[2] == lease_key("cognitude:limiter", "acme", "o", "running")
    assert argv[:5] == ["reserve", "call-1", "", 0, 4]
    assert argv[5:14] == ["1", 1, "minute", 100, 1, 60_000, 0, 0, 0]
    assert argv[14:23] == ["2", 2, "day", 25, 3, 0, 10, 20, 30]
    assert argv[23:32] == ["3", 1, "burst", 60, 2, 60_000, 0, 0, 9]
    assert argv[32:] == ["4", 3, "running", 50, 1, 90_000, 0, 0, 0]


def test_a_reservation_says_how_and_until_when() -> None:
    _, argv = reserve_command("p", "acme", "call-1", [], flags="dry", not_after=1234)
    assert argv == ["reserve", "call-1", "dry", 1234, 0]


def test_a_settlement_sends_what_to_add_and_where() -> None:
    corrections = [Correction(charge=LEASE, delta=-1), Correction(charge=SLIDING, delta=-7, start=60_000)]
    keys, argv = settle_command("p", "acme", "call-1", corrections)
    assert keys == ["p:{acme}:o:running", "p:{acme}:o"]
    assert argv[:5] == ["settle", "call-1", "", 0, 2]
    assert argv[5:14] == ["4", 1, "running", 50, -1, 90_000, 0, 0, 0]
    assert argv[14:] == ["1", 2, "minute", 100, -7, 60_000, 60_000, 0, 0]


def test_a_renewal_ends_with_the_calls_that_go_on() -> None:
    keys, argv = renew_command("p", "acme", ["call-1", "call-2"], [LEASE])
    assert keys == ["p:{acme}:o:running"]
    assert argv[:5] == ["renew", "", "", 0, 1]
    assert argv[14:] == ["call-1", "call-2"]


def test_what_was_spent_is_told_with_whose_it_is() -> None:
    keys, argv = raise_command("p", "acme", "k:one", [CALENDAR, CALENDAR, LEASE])
    assert keys == ["p:{acme}:k:one", "p:{acme}:o:running"]
    assert argv[:5] == ["raise", "k:one", "", 0, 3]


def test_the_id_of_a_call_may_tell_what_it_holds() -> None:
    assert marked("call-1", 300, ["b:x", "b:y"]) == "300 b:x b:y call-1"


def test_a_reply_is_a_verdict() -> None:
    admitted = verdict_of([1000, 0, 99, 60_000, 0, 0, 7, 2000, 0, 0], [SLIDING, CALENDAR])
    assert admitted == Verdict(1000, [State(99, 60_000, 0), State(7, 2000, 0)])
    refused = verdict_of([1000, 1, 99, 60_000, 0, 0, 0, 2000, 1000, 1], [SLIDING, CALENDAR])
    assert refused == Verdict(1000, [State(99, 60_000, 0), State(0, 2000, 1000)], (1,))


def test_the_time_alone_is_the_reply_to_who_asked_too_late() -> None:
    assert verdict_of([1000], [SLIDING]) is None
    assert verdict_of([1000, 0], []) == Verdict(1000, [])
