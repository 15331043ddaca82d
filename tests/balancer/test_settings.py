"""What may be set, and what each wrong thing is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cognitude_plugins.balancer.settings import Config

ARMS = [{"name": "a", "model": "m"}, {"name": "b", "model": "n"}]
STEPS = [{"share": 0.1, "hours": 1}, {"share": 1}]


def experiment(**more: Any) -> dict[str, Any]:
    return {"strategy": "experiment", "experiment": {"name": "x", "arms": ARMS, **more}}


def canary(**more: Any) -> dict[str, Any]:
    return {"strategy": "canary", "canary": {"deployment": "m#2", "steps": [{"share": 1}], **more}}


def arm(**more: Any) -> list[dict[str, Any]]:
    return [ARMS[0], {"name": "b", "model": "n", **more}]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"strategy": "fastest"}, "'weighted', 'round_robin', 'least_busy'"),
        ({}, "Field required"),
        ({"strategy": "weighted", "weights": {"m": 0}}, "greater than 0"),
        ({"strategy": "weighted", "weights": {"m": -1}}, "greater than 0"),
        ({"strategy": "weighted", "measure": "p95"}, "measure is for strategy: latency, not weighted"),
        ({"strategy": "latency", "measure": "p99"}, "'ewma', 'p95' or 'peak_ewma'"),
        ({"strategy": "latency", "explore": 0.6}, "less than or equal to 0.5"),
        ({"strategy": "latency", "models": []}, "at least 1 item"),
        ({"strategy": "region"}, "strategy: region needs regions"),
        ({"strategy": "region", "regions": []}, "at least 1 item"),
        ({"strategy": "region", "regions": ["eu"], "then": "sticky"}, "'weighted', 'round_robin'"),
        ({"strategy": "cost", "regions": ["eu"]}, "regions is for strategy: region, not cost"),
        ({"strategy": "cost", "only": True}, "only is for strategy: region or experiment, not cost"),
        ({"strategy": "sticky", "by": "header"}, "by: header and the name of the header belong together"),
        ({"strategy": "sticky", "by": "user", "header": "x"}, "belong together"),
        ({"strategy": "sticky", "by": "address"}, "'user', 'conversation', 'key' or 'header'"),
        ({"strategy": "experiment"}, "strategy: experiment needs experiment"),
        (experiment(arms=ARMS[:1]), "at least 2 items"),
        (experiment(arms=[ARMS[0], ARMS[0]]), "there are 2 arms called 'a'"),
        (experiment(arms=arm(weight=0)), "greater than 0"),
        (experiment(arms=arm(weight=-2)), "greater than 0"),
        (experiment(arms=arm(weight=float("nan"))), "greater than 0|finite"),
        (experiment(arms=arm(deployment="m")), "arm 'b' needs a model or a deployment, one of them"),
        (experiment(control="c"), "control 'c' is no arm: they are a, b"),
        ({"strategy": "canary"}, "strategy: canary needs canary"),
        (canary(steps=[]), "at least 1 item"),
        (canary(steps=[{"share": -0.1}]), "greater than or equal to 0"),
        (canary(steps=[{"share": 1.1}]), "less than or equal to 1"),
        (canary(steps=[{"share": 0.1, "hours": -1}]), "greater than 0"),
        (canary(steps=STEPS), "needs its start"),
        (canary(steps=[{"share": 0.5, "hours": 1}, {"share": 0.1}], start="2026-01-01T00:00:00Z"), "can only grow"),
        (canary(steps=[{"share": 0.1}, {"share": 1}], start="2026-01-01T00:00:00Z"), "every step but the last"),
        (canary(start="2026-01-01T00:00:00"), "timezone"),
        (canary(max_error_rate=2), "less than or equal to 1"),
        ({"strategy": "weighted", "when": "call.modle == 'x'"}, "reads call.modle"),
        ({"strategy": "weighted", "when": "call.model =="}, "'call.model ==' is no expression"),
        ({"strategy": "weighted", "unknown": 1}, "Extra inputs"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Config.model_validate({"rules": [rule]})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"mirrors": [{"name": "x", "to": "m", "share": 2}]}, "less than or equal to 1"),
        ({"mirrors": [{"name": "x y", "to": "m", "share": 1}]}, "should match pattern"),
        ({"mirrors": [{"name": "x", "to": "m", "share": 1}] * 2}, "there are 2 mirrors called 'x'"),
        ({"mirrors": [{"name": "x", "to": "m", "share": 1, "when": "call"}, {"name": "y"}]}, "Field required"),
        ({"mirrors": [{"name": "x", "to": "m", "share": 1, "when": "time.hours > 1"}]}, "reads time.hours"),
        ({"rules": [experiment(), experiment()]}, "there are 2 experiments called 'x'"),
        ({"flush_seconds": 0}, "greater than or equal to 0.1"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(config)


def test_what_an_order_needs_may_be_set_where_it_comes_after_a_region_arm_or_canary() -> None:
    rules = [
        {"strategy": "region", "regions": ["eu"], "then": "latency", "measure": "p95"},
        {**experiment(), "then": "weighted", "weights": {"m": 2}},
        {**canary(), "then": "cost", "completion_tokens": 10},
    ]
    assert [rule.then for rule in Config.model_validate({"rules": rules}).rules] == ["latency", "weighted", "cost"]
    with pytest.raises(ValidationError, match="measure is for strategy: latency, not region"):
        Config.model_validate({"rules": [{**rules[0], "then": "cost"}]})
