"""What a configuration problem says."""

from __future__ import annotations

import pytest

from hooks import ConfigError, Problem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem(path="a.b", rule="must be positive"), "a.b: must be positive"),
        (Problem(path="", rule="is empty"), "is empty"),
        (Problem(path="a", rule="wrong", line=3), "3: a: wrong"),
        (
            Problem(path="use", rule="no such plugin", line=7, file="p.yaml", value="'redakt'", nearest="redact"),
            "p.yaml:7: use: no such plugin (it is 'redakt'); did you mean 'redact'?",
        ),
    ],
)
def test_a_problem_names_the_place_the_value_the_rule_and_the_nearest_name(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_configuration_error_carries_every_problem() -> None:
    problems = [Problem(path="a", rule="one"), Problem(path="b", rule="two", line=2)]
    error = ConfigError(iter(problems))
    assert error.problems == tuple(problems)
    assert str(error) == "a: one\n2: b: two"
    assert error.problems[1].as_dict() == {
        "path": "b",
        "rule": "two",
        "line": 2,
        "value": None,
        "nearest": None,
        "file": None,
    }


def test_a_configuration_error_can_be_made_of_a_sentence_or_one_problem() -> None:
    assert str(ConfigError("there is no file")) == "there is no file"
    assert ConfigError(Problem(path="a", rule="one")).problems == (Problem(path="a", rule="one"),)
