"""Conditions in CEL: what holds, what is refused at the start, and what cannot be evaluated."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from cognitude_plugins.balancer.expressions import Expression

FACTS: dict[str, Any] = {
    "call": {"model": "gpt-4o", "api": "chat", "stream": True},
    "caller": {"organization": "acme", "key": "k1", "user": "ada", "role": "member"},
    "time": {"hour": 9, "minute": 30, "weekday": 3, "date": "2026-03-04"},
    "tags": {"team": "search"},
    "headers": {"x-tier": "gold"},
}


@pytest.mark.parametrize(
    "text",
    [
        "call.model == 'gpt-4o' && call.stream",
        "call.model.startsWith('gpt-') || call.api == 'embeddings'",
        "caller.user in ['ada', 'bob'] && !(caller.role == 'viewer')",
        "time.hour >= 8 && time.hour < 18 && time.weekday <= 5",
        "has(tags.team) && tags.team.contains('ear')",
        "'team' in tags && size(tags) == 1",
        "headers['x-tier'] == 'gold'",
        "time.hour < 6 ? false : true",
        "tags.team != 'time.nothing'",
    ],
)
def test_what_is_true_holds(text: str) -> None:
    expression = Expression(text)
    assert expression.holds(FACTS)
    assert expression.failures == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("call.model ==", r"is no expression: .*mismatched input .* at character 14"),
        ("nope == 1", "reads 'nope', which is not known: there are call, caller, time, tags, headers"),
        ("call.modle == 'x'", "reads call.modle, which is not known: call has api, model, stream"),
        ("'call.modle' == call.nope", "reads call.nope"),
        ("call.model.matches('(a+)+$')", "uses matches, which is not allowed here"),
        ("[1, 2].all(x, x > 0)", "not allowed here"),
        ("[1, 2].exists(x, x > 0)", "not allowed here"),
        ("[1, 2].map(x, x * 2) == []", "not allowed here"),
        ("[1, 2].filter(x, x > 1) == []", "not allowed here"),
        ("time.hour + 1 == 2", "not allowed here"),
        ("__import__('os') == 1", "not allowed here"),
        ("timestamp('2026-01-01T00:00:00Z') == 1", "not allowed here"),
        (f"call.model == '{'x' * 1000}'", "at most 1000 characters"),
        ("(" * 40 + "call.stream" + ")" * 40, "at most 32 brackets"),
    ],
)
def test_what_is_no_condition_is_refused_and_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Expression(text)


def test_a_name_that_is_not_there_does_not_match_and_is_no_failure() -> None:
    for text in ("tags.feature == 'x'", "tags.feature != 'x'", "headers['x-none'] == 'y'"):
        expression = Expression(text)
        assert not expression.holds(FACTS)
        assert expression.failures == 0


@pytest.mark.parametrize("text", ["call.model > 3", "caller.user", "size(time.hour) == 1"])
def test_what_cannot_be_evaluated_does_not_match_is_counted_and_logged_once(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    expression = Expression(text)
    with caplog.at_level(logging.WARNING, "cognitude.balancer"):
        assert [expression.holds(FACTS) for _ in range(3)] == [False] * 3
    assert expression.failures == 3
    assert len(caplog.records) == 1
    assert text in caplog.text
    assert "ada" not in caplog.text


def test_it_says_what_it_reads_so_that_nothing_else_need_be_made() -> None:
    assert Expression("tags.team == 'x' && call.stream").names == {"tags", "call"}


def test_the_longest_expression_over_long_texts_is_bounded() -> None:
    """Hundredths of a second would be a hundred times what it takes: nothing in it multiplies."""
    text = " || ".join(["tags.team.contains('aaaaaaaaab')"] * 26)
    expression = Expression(text)
    facts = {"tags": {"team": "a" * 10_000}}
    took = []
    for _ in range(5):
        started = time.perf_counter()
        assert not expression.holds(facts)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.1
