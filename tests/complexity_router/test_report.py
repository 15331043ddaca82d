"""A decision as clients are shown it."""

from __future__ import annotations

from dataclasses import replace

from cognitude_plugins.complexity_router import shipped
from cognitude_plugins.complexity_router.report import report

from .places import ask
from .test_router import knowing, routed, router


async def test_what_is_saved_is_the_difference_to_the_default() -> None:
    found = report((await routed(router(learned=knowing(0.0))))[1])
    assert (found.selected_model, found.default_model, found.runner_up) == ("small", "large", "large")
    assert found.estimated_cost is not None
    assert found.baseline_cost is not None
    assert found.estimated_savings == found.baseline_cost - found.estimated_cost > 0
    assert [one.verdict for one in found.alternatives] == ["chosen", "default"]
    assert found.alternatives[0].labels == 60


async def test_where_the_conversation_is_stands_before_what_would_be_chosen_now() -> None:
    one = (await routed(router()))[1]
    found = report(replace(one, model="small", pinned=True, why="its conversation is there"))
    assert (found.selected_model, found.pinned, found.reason) == ("small", True, "its conversation is there")
    assert {one.model: one.verdict for one in found.alternatives} == {"large": "default", "small": "chosen"}
    assert found.runner_up == "large"


async def test_what_is_usual_is_said_of_questions_like_those_that_were_measured() -> None:
    generic = shipped.weights()
    quiz = "Which of the following is a prime number?\nA. 21\nB. 23\nC. 25\nD. 27\nAnswer:"
    known = report((await routed(router(), ask(quiz)))[1], generic)
    strange = report((await routed(router(), ask("åäö " * 50)))[1], generic)
    assert strange.usual_gain is None
    assert known.usual_gain is not None
    assert -1 <= known.usual_gain <= 1
    assert report((await routed(router()))[1]).usual_gain is None


async def test_what_made_it_complex_is_shown() -> None:
    found = report((await routed(router(), ask("Prove that the integral is zero.")))[1])
    assert found.complexity.features["words of proof"] > 0
    assert found.task_type == "math"
