"""Rendezvous hashing: even by weight, and only a removed deployment's own keys move."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.balancer.hashing import key_of, place_of, rendezvous, user_of
from hooks import Caller

from .fleets import M, deployments, ids, shares


def test_places_are_even_and_of_the_whole_list_of_names() -> None:
    places = sorted(place_of("x", f"user-{number}") for number in range(10_000))
    assert 0 <= places[0] < 0.001
    assert 0.999 < places[-1] < 1
    assert max(after - before for before, after in pairwise(places)) < 0.002
    assert place_of("ab", "c") != place_of("a", "bc")


def test_keys_are_spread_by_weight() -> None:
    weights = {"m": 1.0, "m#2": 2.0, "m#3": 3.0, "m#4": 4.0}
    found = shares(rendezvous(f"key-{n}", M, lambda one: weights[one.id])[0].id for n in range(20_000))
    assert found == pytest.approx({"m": 0.1, "m#2": 0.2, "m#3": 0.3, "m#4": 0.4}, abs=0.01)


@given(st.text(max_size=40), st.integers(0, 3))
def test_when_one_is_removed_the_order_of_the_others_stays(key: str, removed: int) -> None:
    full = ids(rendezvous(key, M, lambda one: 1.0))
    left = tuple(one for index, one in enumerate(M) if index != removed)
    assert ids(rendezvous(key, left, lambda one: 1.0)) == [id for id in full if id != M[removed].id]


def test_only_the_share_of_a_removed_one_moves_and_it_is_spread_over_the_others() -> None:
    keys = [f"key-{n}" for n in range(8000)]
    before = {key: rendezvous(key, M, lambda one: 1.0)[0].id for key in keys}
    after = {key: rendezvous(key, M[:3], lambda one: 1.0)[0].id for key in keys}
    moved = [key for key in keys if before[key] != after[key]]
    assert {before[key] for key in moved} == {"m#4"}
    assert len(moved) == sum(place == "m#4" for place in before.values())
    assert shares(after[key] for key in moved) == pytest.approx(dict.fromkeys(ids(M[:3]), 1 / 3), abs=0.04)


def test_a_new_one_takes_its_share_and_moves_nobody_else() -> None:
    keys = [f"key-{n}" for n in range(5000)]
    more = (*M, *deployments("m#5"))
    changed = {
        rendezvous(key, more, lambda one: 1.0)[0].id
        for key in keys
        if rendezvous(key, more, lambda one: 1.0)[0] != rendezvous(key, M, lambda one: 1.0)[0]
    }
    assert changed == {"m#5"}


def test_a_caller_without_a_user_is_its_key_and_no_user_is_taken_for_a_key() -> None:
    ada, key = Caller(organization="acme", key="k1", user="ada"), Caller(organization="acme", key="k1")
    assert user_of(ada) != user_of(key) == key_of(ada)
    assert user_of(Caller(organization="acme", user="k1")) != user_of(key)
