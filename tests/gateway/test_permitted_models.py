"""Which models a key may use."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.permitted_models import allows, narrowed
from hooks import Deployment, Plan


def deployment(model: str) -> Deployment:
    return Deployment(id=model, model=model, provider="p", upstream_model=model, transport="direct")


PLAN = Plan(deployments=(deployment("small"), deployment("gpt-4o"), deployment("gpt-4o-mini")))


@pytest.mark.parametrize(
    ("patterns", "name", "allowed"),
    [
        (("small",), "small", True),
        (("small",), "smaller", False),
        (("small",), "a-small", False),
        (("gpt-*",), "gpt-4o", True),
        (("gpt-*",), "my-gpt-4o", False),
        (("*-mini",), "gpt-4o-mini", True),
        (("*",), "anything/at:all", True),
        (("a[b]?",), "a[b]?", True),
        (("a[b]?",), "abc", False),
        (("gpt.4",), "gpt-4", False),
        (("small", "gpt-*"), "gpt-4o", True),
    ],
)
def test_a_pattern_is_a_name_or_a_name_with_stars(patterns: tuple[str, ...], name: str, allowed: bool) -> None:
    assert allows(patterns, name) is allowed


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_name_without_stars_allows_itself_alone(pattern: str, name: str) -> None:
    if "*" not in pattern:
        assert allows((pattern,), name) is (name == pattern)


def test_many_stars_take_no_longer_than_one() -> None:
    began = time.process_time()
    assert not allows(("*a" * 40,), "a" * 39 + "b" * 100_000)
    assert time.process_time() - began < 1


def test_a_key_for_an_alias_gets_all_of_it() -> None:
    assert narrowed(PLAN, "auto", ("auto",)) is PLAN


def test_a_key_for_some_models_gets_those_of_an_alias() -> None:
    assert [one.model for one in narrowed(PLAN, "auto", ("gpt-*",)).deployments] == ["gpt-4o", "gpt-4o-mini"]
    assert narrowed(PLAN, "auto", ("large",)).deployments == ()
