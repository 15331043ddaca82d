"""The configuration of the router."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cognitude_plugins.complexity_router.settings import Alias, Config
from cognitude_plugins.complexity_router.wishes import Wishes


def test_without_settings_auto_is_routed_by_cost() -> None:
    [(name, alias)] = Config().aliases.items()
    assert (name, alias.default, alias.wishes()) == ("auto", None, Wishes())


def test_an_aliases_settings_are_what_its_calls_want() -> None:
    alias = Alias(optimize_for="latency", min_quality=0.8, max_latency_ms=100, max_cost=0.5)
    assert alias.wishes() == Wishes(
        optimize_for="latency", min_quality=0.8, max_latency_ms=100, max_cost_nano_usd=500_000_000
    )


def test_quality_may_be_stated_for_all_tasks_or_for_each() -> None:
    config = Config(quality={"a": 0.5, "b": {"math": 0.2}})
    assert (config.stated("a", "math"), config.stated("a", "chat")) == (0.5, 0.5)
    assert (config.stated("b", "math"), config.stated("b", "chat"), config.stated("c", "chat")) == (0.2, None, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"aliases": {}}, "at least 1 item"),
        ({"aliases": {"auto": {"optimize_for": "speed"}}}, "'cost', 'latency' or 'quality'"),
        ({"aliases": {"auto": {"max_latency_ms": 0}}}, "greater than 0"),
        ({"shadow_rate": 2}, "less than or equal to 1"),
        ({"confidence": 0.4}, "greater than or equal to 0.5"),
        ({"quality": {"a": 1.5}}, "less than or equal to 1"),
        ({"quality": {"a": {"maths": 0.5}}}, "quality.a: 'maths' is no kind of task; they are math, code"),
        ({"shadow": 1}, "Extra inputs"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Config.model_validate(given)
