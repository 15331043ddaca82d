"""The calls under way, each for as long as its lease."""

from __future__ import annotations

from cognitude_plugins.limiter.leases import Leases


def leases(**ends: int) -> Leases:
    made = Leases()
    for id, end in ends.items():
        made.take(id, end)
    return made


def test_what_has_ended_is_not_under_way() -> None:
    assert [leases(a=10, b=20, c=20).count(now) for now in (9, 10, 19, 20)] == [3, 2, 2, 0]


def test_a_lease_that_has_ended_can_be_dropped_until_it_is_forgotten() -> None:
    held = leases(a=10, b=20)
    assert held.drop("a")
    assert not held.drop("a")
    held.forget(20)
    assert not held.drop("b")
    assert len(held) == 0


def test_who_takes_a_lease_twice_holds_one() -> None:
    held = leases(a=10)
    held.take("a", 30)
    assert (held.count(20), len(held)) == (1, 1)


def test_only_who_holds_a_lease_can_renew_it() -> None:
    held = leases(a=10)
    held.renew("a", 30)
    held.renew("b", 30)
    assert held.ends() == {"a": 30}


def test_none_ends_later_than_one_taken_now_would() -> None:
    held = leases(a=10, b=50, c=70)
    held.cap(40)
    assert held.ends() == {"a": 10, "b": 40, "c": 40}
    assert held.count(39) == 2
