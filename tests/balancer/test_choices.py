"""The first that matches, by model and condition."""

from __future__ import annotations

from cognitude_plugins.balancer.choices import Choice, Choices
from cognitude_plugins.balancer.expressions import Expression
from cognitude_plugins.balancer.facts import Facts

from .fleets import NOON, asked

FACTS = Facts(tags_header="x-cognitude-tags", now=lambda: NOON, zone=lambda organization: "UTC")


def choices(*given: tuple[list[str] | None, str | None]) -> Choices[int]:
    return Choices(
        [
            Choice(models=models, condition=None if when is None else Expression(when), value=number)
            for number, (models, when) in enumerate(given)
        ],
        FACTS,
    )


def test_the_first_whose_models_and_condition_match() -> None:
    found = choices((["gpt-*"], "call.stream"), (["gpt-*"], None), (None, "time.hour == 12"), (None, None))
    assert found.of(asked("gpt-4o").set(stream=True)) == 0
    assert found.of(asked("gpt-4o")) == 1
    assert found.of(asked("claude")) == 2


def test_none_when_nothing_matches_or_there_is_nothing() -> None:
    assert choices((["a"], None)).of(asked("b")) is None
    assert choices().of(asked("b")) is None
    assert (bool(choices()), bool(choices((None, None)))) == (False, True)


def test_a_condition_that_fails_does_not_match_and_is_counted() -> None:
    found = choices((None, "call.model > 3"), (None, None))
    assert [found.of(asked()) for _ in range(2)] == [1, 1]
    assert found.failures() == 2


def test_a_name_of_any_length_is_looked_up() -> None:
    assert choices((["x*"], None)).of(asked("x" * 100_000)) == 0
