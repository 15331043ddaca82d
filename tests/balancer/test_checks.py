"""What can be wrong only beside the models there are."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.balancer.checks import members, problems
from cognitude_plugins.balancer.settings import Arm, Config

from .fleets import M, deployment, models

FOUND = {**models(*M, deployment("n"), deployment("o")), "both": (*M, deployment("n"))}


def said(rule: dict[str, Any]) -> list[str]:
    return [str(one) for one in problems(Config.model_validate({"rules": [rule]}), FOUND)]


def experiment(*arms: dict[str, Any], **more: Any) -> dict[str, Any]:
    named = [{"name": f"a{number}", **arm} for number, arm in enumerate(arms)]
    return {"strategy": "experiment", "experiment": {"name": "x", "arms": named}, **more}


def canary(id: str, **more: Any) -> dict[str, Any]:
    return {"strategy": "canary", "canary": {"deployment": id, "steps": [{"share": 1}]}, **more}


@pytest.mark.parametrize(
    "rule",
    [
        {"strategy": "weighted", "models": ["m", "both", "gpt-*", "*"]},
        experiment({"model": "m"}, {"model": "n"}, models=["both"]),
        experiment({"deployment": "m#2"}, {"deployment": "n"}, models=["both", "x*"]),
        canary("m#3", models=["m"]),
        canary("m#3"),
    ],
)
def test_what_can_be_is_no_problem(rule: dict[str, Any]) -> None:
    assert said(rule) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            {"strategy": "weighted", "models": ["m", "bth"]},
            "rules[0].models[1]: is no model of this configuration; a name that need not be there has a * "
            "(it is 'bth'); did you mean 'both'?",
        ),
        (
            experiment({"model": "m"}, {"model": "zzz"}),
            "rules[0].experiment.arms[1].model: is no model of this configuration (it is 'zzz')",
        ),
        (
            experiment({"deployment": "m#7"}, {"model": "m"}),
            "rules[0].experiment.arms[0].deployment: is no deployment of this configuration (it is 'm#7'); did you "
            "mean 'm#4'?",
        ),
        (
            experiment({"model": "m"}, {"model": "o"}, models=["both"]),
            "rules[0].experiment.arms[1]: arm 'a1' is none of the deployments of 'both', which are m, m#2, m#3, m#4, n",
        ),
        (
            canary("n", models=["m"]),
            "rules[0].canary.deployment: the canary is none of the deployments of 'm', which are m, m#2, m#3, m#4",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(rule: dict[str, Any], expected: str) -> None:
    assert said(rule) == [expected]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    config = Config.model_validate(
        {
            "rules": [{"models": ["zz"], "strategy": "weighted", "weights": {"yy": 1}}],
            "mirrors": [{"name": "x", "models": ["xx"], "to": "ww", "share": 1}],
        }
    )
    paths = [one.path for one in problems(config, {**FOUND, "p": (deployment("p", weight=-1),)})]
    assert paths == ["rules[0].models[0]", "rules[0].weights", "mirrors[0].models[0]", "mirrors[0].to", "models: p"]


def test_an_arms_members_are_all_deployments_of_its_model_or_the_one() -> None:
    assert members(Arm(name="a", model="m"), FOUND) == {"m", "m#2", "m#3", "m#4"}
    assert members(Arm(name="a", model="both"), FOUND) == {"m", "m#2", "m#3", "m#4", "n"}
    assert members(Arm(name="a", deployment="m#2"), FOUND) == {"m#2"}
