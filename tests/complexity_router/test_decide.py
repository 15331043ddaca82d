"""The decision, for every objective, constraint and state of knowledge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.complexity_router.candidates import Candidate
from cognitude_plugins.complexity_router.decide import Caution, Decision, decide
from cognitude_plugins.complexity_router.gain import Loss
from cognitude_plugins.complexity_router.wishes import Wishes

LARGE = Candidate(model="large", quality=0.9, cost_nano_usd=1000, seconds=2.0, slow_seconds=4.0)
SMALL = Candidate(model="small", quality=0.8, cost_nano_usd=100, seconds=0.5, slow_seconds=1.0)
MIDDLE = Candidate(model="middle", quality=0.85, cost_nano_usd=300, seconds=1.0, slow_seconds=2.0)
SAME = Loss(mean=0.0, deviation=0.02, labels=50)
LOSES = Loss(mean=0.3, deviation=0.05, labels=50)
BETTER = Loss(mean=-0.2, deviation=0.05, labels=50)
NOTHING = Loss(mean=0.1, deviation=0.3)


def decided(losses: Mapping[str, Loss], *candidates: Candidate, **wishes: Any) -> Decision:
    return decide(
        candidates or (LARGE, SMALL, MIDDLE),
        default="large",
        wishes=Wishes(**wishes),
        caution=Caution(),
        loss_of=lambda one, _: losses.get(one.model, NOTHING),
    )


def order(decision: Decision) -> list[str]:
    return [one.model for one in decision.judged]


def verdicts(decision: Decision) -> dict[str, str]:
    return {one.model: one.verdict for one in decision.judged}


def test_where_nothing_is_known_the_default_answers() -> None:
    found = decided({})
    assert order(found)[0] == "large"
    assert verdicts(found) == {"large": "chosen", "small": "unsure", "middle": "unsure"}
    assert found.why == "default, of others too little is known"
    assert [one.flip for one in found.judged[1:]] == ["6 more comparisons that it does not lose"] * 2


def test_the_cheapest_that_is_good_enough_is_taken_and_the_default_stands_behind_it() -> None:
    found = decided({"small": SAME, "middle": SAME})
    assert order(found) == ["small", "large", "middle"]
    assert found.why == "cost, loses 0.000 at 50 labels"


def test_one_that_loses_too_much_is_not() -> None:
    found = decided({"small": LOSES, "middle": SAME})
    assert order(found) == ["middle", "large", "small"]
    assert verdicts(found)["small"] == "worse"
    assert found.judged[2].flip == "min_quality of 0.67 or less"


def test_what_would_flip_it_flips_it() -> None:
    losses = {"small": LOSES}
    [small] = [one for one in decided(losses).judged if one.model == "small"]
    floor = float(small.flip.split()[2]) - 0.01
    assert order(decided(losses, min_quality=floor))[0] == "small"
    assert order(decided(losses, min_quality=floor + 0.03))[0] == "large"


def test_the_quickest_is_taken_of_those_that_are_good_enough() -> None:
    assert order(decided({"small": LOSES, "middle": SAME}, optimize_for="latency"))[0] == "middle"
    assert order(decided({"small": SAME}, optimize_for="latency"))[0] == "small"


def test_for_quality_another_is_taken_only_when_it_is_surely_better() -> None:
    assert order(decided({"small": SAME, "middle": BETTER}, optimize_for="quality"))[0] == "middle"
    assert order(decided({"small": SAME, "middle": NOTHING}, optimize_for="quality"))[0] == "large"


@pytest.mark.parametrize("objective", ["cost", "latency"])
def test_what_is_not_known_of_a_model_does_not_speak_for_it(objective: str) -> None:
    blank = Candidate(model="small", quality=0.8)
    assert order(decided({"small": SAME}, LARGE, blank, optimize_for=objective))[0] == "large"
    nobody = Candidate(model="large", quality=0.9)
    assert order(decided({"small": SAME}, nobody, blank, optimize_for=objective))[0] == "large"


def test_what_was_learned_of_this_very_prompt_overrules_the_table() -> None:
    allowed = Loss(mean=0.3, deviation=0.05, labels=2000, allowed=True)
    forbidden = Loss(mean=0.0, deviation=0.01, labels=2000, allowed=False)
    assert order(decided({"small": allowed}))[0] == "small"
    assert order(decided({"small": forbidden}))[0] == "large"


@pytest.mark.parametrize(
    ("candidate", "wishes", "said"),
    [
        (Candidate(model="small", quality=0.8, lacks=("tools", "vision")), {}, "it lacks tools, vision"),
        (SMALL, {"max_latency_ms": 900}, "95 of 100 answers take up to 1000 ms"),
        (SMALL, {"max_cost_nano_usd": 99}, "it is estimated at 0.000000 USD"),
    ],
)
def test_one_that_does_not_fit_is_left_out_and_it_is_said_why(
    candidate: Candidate, wishes: dict[str, Any], said: str
) -> None:
    found = decided({"small": SAME}, Candidate(model="large", quality=0.9), candidate, **wishes)
    assert verdicts(found) == {"large": "chosen", "small": "unfit"}
    assert found.judged[1].unfit == said
    assert [one.model for one in found.fit] == ["large"]


def test_where_the_default_does_not_fit_the_best_of_the_rest_takes_its_place() -> None:
    blind = Candidate(model="large", quality=0.9, cost_nano_usd=1000, lacks=("vision",))
    found = decided({}, blind, SMALL, MIDDLE)
    assert (found.reference, order(found)) == ("middle", ["middle", "small", "large"])
    assert found.why == "the best of the rest, the default is not to be called"


def test_one_that_does_not_answer_at_present_is_tried_last_and_not_left_out() -> None:
    away = LARGE._replace(avoid="none of its deployments answers at present")
    found = decided({}, away, SMALL, MIDDLE)
    assert (found.reference, order(found)) == ("middle", ["middle", "small", "large"])
    assert verdicts(found)["large"] == "avoided"
    assert len(found.fit) == 3


def test_where_all_are_away_the_call_goes_its_usual_way() -> None:
    away = [one._replace(avoid="none of its deployments answers at present") for one in (LARGE, SMALL)]
    found = decided({"small": SAME}, *away)
    assert order(found) == ["small", "large"]
    assert found.selected is not None


def test_where_nobody_fits_nobody_is_taken() -> None:
    found = decided({}, max_latency_ms=1)
    assert found.selected is None
    assert set(verdicts(found).values()) == {"unfit"}


LOSSES = st.builds(
    Loss,
    mean=st.floats(-1, 1),
    deviation=st.floats(0, 0.5),
    labels=st.integers(0, 100),
    allowed=st.none() | st.booleans(),
)
CANDIDATES = st.builds(
    Candidate,
    model=st.sampled_from(["large", "small", "middle", "tiny"]),
    quality=st.floats(0, 1),
    cost_nano_usd=st.none() | st.integers(0, 2000),
    seconds=st.none() | st.floats(0, 9),
    slow_seconds=st.none() | st.floats(0, 9),
    lacks=st.sampled_from([(), ("tools",)]),
    avoid=st.sampled_from(["", "it is away"]),
)
WISHES = st.builds(
    Wishes,
    optimize_for=st.sampled_from(["cost", "latency", "quality"]),
    min_quality=st.floats(0.01, 1),
    max_latency_ms=st.none() | st.floats(1, 9000),
    max_cost_nano_usd=st.none() | st.integers(1, 2000),
)


@given(
    st.lists(CANDIDATES, min_size=1, unique_by=lambda one: one.model),
    st.dictionaries(st.text(), LOSSES),
    LOSSES,
    WISHES,
)
def test_every_candidate_is_judged_once_and_only_a_fit_one_is_taken(
    candidates: list[Candidate], losses: dict[str, Loss], other: Loss, wishes: Wishes
) -> None:
    found = decide(
        candidates,
        default="large",
        wishes=wishes,
        caution=Caution(),
        loss_of=lambda one, _: losses.get(one.model, other),
    )
    assert sorted(order(found)) == sorted(one.model for one in candidates)
    fit = [one.model for one in found.fit]
    assert order(found)[: len(fit)] == fit or found.selected is None, "those that are unfit come last"
    assert (found.selected is None) == (not fit)
    if found.selected is not None:
        assert not found.selected.candidate.lacks
        ready = [one for one in found.fit if not one.candidate.avoid]
        assert not found.selected.candidate.avoid or not ready
        dear, most = found.selected.candidate.cost_nano_usd, wishes.max_cost_nano_usd
        assert most is None or dear is None or dear <= most
