"""The models that a call could go to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cognitude_plugins.complexity_router.candidates import Candidate, Survey
from cognitude_plugins.complexity_router.prompt import Prompt
from hooks import Deployment, Traits
from hooks.testing import FakeGateway, FakeVitals

PROMPT = Prompt(text="", conversation=b"", continued=False, needs=frozenset(), answer_tokens=None)


def at(id: str, model: str = "m") -> Deployment:
    return Deployment(id=id, model=model, provider="openai", upstream_model=id, transport="direct")


def surveyed(
    gateway: FakeGateway, *deployments: Deployment, prompt: Prompt = PROMPT, tokens: int = 100
) -> list[Candidate]:
    survey = Survey(gateway=gateway, quality=lambda one, task: 0.5, slow=lambda one: gateway.vitals(one).quantile(0.95))
    return list(survey.of(deployments, prompt, "chat", tokens))


def test_models_come_in_the_plans_order_each_once() -> None:
    found = surveyed(FakeGateway(), at("a", "x"), at("b", "y"), at("c", "x"))
    assert [one.model for one in found] == ["x", "y"]


def test_the_best_deployment_speaks_for_its_model() -> None:
    gateway = FakeGateway(
        prices={"a": (10, 10), "b": (1, 2)},
        fake_vitals={"a": FakeVitals(seconds=0.5, at=1.0), "b": FakeVitals(seconds=2.0, at=9.0)},
    )
    [found] = surveyed(gateway, at("a"), at("b"))
    assert (found.cost_nano_usd, found.seconds, found.slow_seconds) == (100 + 2 * 400, 0.5, 1.0)


def test_what_nobody_knows_is_none() -> None:
    [found] = surveyed(FakeGateway(), at("a"))
    assert (found.cost_nano_usd, found.seconds, found.slow_seconds, found.lacks) == (None, None, None, ())


def test_a_shorter_answer_costs_less() -> None:
    gateway = FakeGateway(prices={"a": (1, 1)})
    costs = [
        surveyed(gateway, at("a"), prompt=replace(PROMPT, answer_tokens=limit))[0].cost_nano_usd
        for limit in (None, 10, 10_000)
    ]
    assert costs == [500, 110, 500]


def test_what_a_model_lacks_is_said_and_unknown_is_not_no() -> None:
    def lacks(needs: set[str], tokens: int = 100, **traits: Any) -> tuple[str, ...]:
        gateway = FakeGateway(fake_traits={"a": Traits(**traits)})
        return surveyed(gateway, at("a"), prompt=replace(PROMPT, needs=frozenset(needs)), tokens=tokens)[0].lacks

    assert lacks({"vision"}) == ()
    assert lacks({"vision", "tools"}, capabilities=frozenset({"tools"})) == ("vision",)
    assert lacks(set(), tokens=17_000, context_tokens=4096) == ("a context of 17000 tokens",)
    assert lacks(set(), tokens=5000, context_tokens=4096) == ()


def test_a_prompt_that_may_be_too_long_is_no_reason_to_refuse() -> None:
    gateway = FakeGateway(fake_traits={"a": Traits(context_tokens=4096)})
    assert surveyed(gateway, at("a"), tokens=5000)[0].avoid == "the prompt has about 5000 tokens, its context 4096"
    assert surveyed(gateway, at("a"), tokens=4096)[0].avoid == ""
    assert surveyed(gateway, at("a"), at("b"), tokens=5000)[0].avoid == "", "of the other nobody knows"


def test_one_deployment_that_can_is_enough() -> None:
    gateway = FakeGateway(fake_traits={"a": Traits(capabilities=frozenset())})
    prompt = replace(PROMPT, needs=frozenset({"tools"}))
    assert surveyed(gateway, at("a"), at("b"), prompt=prompt)[0].lacks == ()


def test_a_model_is_away_when_all_its_deployments_are() -> None:
    gateway = FakeGateway(fake_vitals={"a": FakeVitals(state="open"), "b": FakeVitals(state="half_open")})
    found = surveyed(gateway, at("a", "x"), at("a", "y"), at("b", "y"))
    assert [one.avoid for one in found] == ["none of its deployments answers at present", ""]
