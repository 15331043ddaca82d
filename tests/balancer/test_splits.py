"""Regions in their order, and arms that nobody leaves."""

from __future__ import annotations

import pytest

from cognitude_plugins.balancer.hashing import user_of
from cognitude_plugins.balancer.splits import Arms, Regions

from .fleets import asked, deployment, shares, user

WEIGHTS = {"control": 0.5, "b": 0.3, "c": 0.2}
MEMBERS = {"control": frozenset({"m"}), "b": frozenset({"m#2"}), "c": frozenset({"m#3"})}


def arms(salt: str = "", experiment: str = "x", weights: dict[str, float] = WEIGHTS) -> Arms:
    return Arms(experiment, salt, weights, MEMBERS, user_of)


def arm_of(found: Arms, number: int) -> str:
    return found.arm_of("acme", f"u:user-{number}")


def test_regions_are_ranked_in_the_order_of_preference() -> None:
    preferred = Regions(["eu", "us"]).of(asked())
    places = {region: preferred.rank(deployment("m", region=region)) for region in ("eu", "us", "asia", 3)}
    assert places == {"eu": 0, "us": 1, "asia": 2, 3: 2}
    assert preferred.rank(deployment("m")) == preferred.worst == 2


def test_ten_thousand_users_are_split_within_a_hundredth_of_the_weights() -> None:
    found = shares(arm_of(arms(experiment="small-or-large"), number) for number in range(10_000))
    assert found == pytest.approx(WEIGHTS, abs=0.01)


def test_the_split_is_as_even_as_chance_whatever_the_name() -> None:
    """Of 10 000 draws a share has a standard deviation of at most half a hundredth."""
    splits = [shares(arm_of(arms(experiment=f"x{n}"), number) for number in range(10_000)) for n in range(12)]
    for name, weight in WEIGHTS.items():
        off = [found[name] - weight for found in splits]
        assert max(map(abs, off)) < 0.02
        assert sum(off) / len(off) == pytest.approx(0, abs=0.006)


def test_weights_need_not_add_up_to_one() -> None:
    one, other = arms(), arms(weights={name: weight * 10 for name, weight in WEIGHTS.items()})
    assert [arm_of(one, n) for n in range(1000)] == [arm_of(other, n) for n in range(1000)]


def test_a_user_never_moves() -> None:
    """Not with time, nor with another process, nor with what others do."""
    before = [arm_of(arms(), number) for number in range(2000)]
    found = arms()
    for number in reversed(range(5000)):
        arm_of(found, number)
    assert [arm_of(found, number) for number in range(2000)] == before
    assert before[:8] == ["c", "b", "b", "control", "control", "c", "control", "b"]


def test_another_salt_another_name_and_another_organization_put_everybody_anew() -> None:
    plain = [arm_of(arms(), number) for number in range(2000)]
    for other in (arms(salt="2"), arms(experiment="y")):
        same = sum(arm_of(other, number) == arm for number, arm in enumerate(plain))
        assert same / 2000 == pytest.approx(0.5**2 + 0.3**2 + 0.2**2, abs=0.04)
    elsewhere = [arms().arm_of("globex", f"u:user-{number}") for number in range(2000)]
    assert elsewhere != plain


def test_the_arms_own_deployments_come_first() -> None:
    found = arms()
    for name in ("ada", "bob", "eve", "joe"):
        call = user(name)
        preferred = found.of(call)
        assert preferred.arm == found.arm_of("acme", user_of(call.caller))
        assert [preferred.rank(deployment(id)) for id in MEMBERS[str(preferred.arm)]] == [0]
        assert preferred.rank(deployment("m#9")) == preferred.worst == 1
        assert preferred.label == f" x={preferred.arm}"
