"""Which calls have to do with the cache, and which answers are kept."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.redis_cache.settings import Config
from cognitude_plugins.redis_cache.worth import bypassed, worth_keeping
from hooks import Api
from hooks.testing import completion, make_call

CALL = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    ("body", "config", "why"),
    [
        ({}, {}, None),
        ({"temperature": 1}, {}, None),
        ({"temperature": 1.01}, {}, "its temperature is above 1"),
        ({"temperature": 0.3}, {"max_temperature": 0.2}, "its temperature is above 0.2"),
        ({"temperature": 0.2}, {"max_temperature": 0.2}, None),
        ({}, {"max_temperature": 0.2}, "it has no temperature, so 1, above 0.2"),
        ({"temperature": "hot"}, {}, None),
        ({}, {"scope": "user"}, "it is of no user"),
    ],
)
def test_what_a_call_asks_decides_whether_it_is_looked_up(body: Any, config: dict[str, Any], why: str | None) -> None:
    assert bypassed(make_call({**CALL, **body}), Config(**config)) == why


@pytest.mark.parametrize(
    ("api", "cached"),
    [("chat", True), ("completions", True), ("embeddings", True), ("responses", False), ("messages", False)],
)
def test_which_apis_are_cached(api: Api, cached: bool) -> None:
    assert (bypassed(make_call(CALL, api=api), Config()) is None) is cached


def test_a_call_of_a_user_is_cached_for_him() -> None:
    assert bypassed(make_call(CALL, user="ann"), Config(scope="user")) is None


def calling(*names: str) -> dict[str, Any]:
    calls = [{"id": name, "type": "function", "function": {"name": name, "arguments": "{}"}} for name in names]
    choice = {"index": 0, "message": {"role": "assistant", "tool_calls": calls}, "finish_reason": "tool_calls"}
    return completion(choices=[choice])


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (completion(), True),
        ({"object": "list", "data": [{"embedding": [0.1]}]}, True),
        ({"object": "text_completion", "choices": [{"index": 0, "text": "a", "finish_reason": "length"}]}, True),
        ({"error": {"message": "no"}}, False),
        ({**completion(), "error": {"message": "no"}}, False),
        (completion(choices=[]), False),
        (completion(choices=[{"index": 0, "message": {"content": "cut"}, "finish_reason": None}]), False),
        (completion(choices=["?"]), False),
        ({}, False),
        ([], False),
        ("text", False),
        (None, False),
    ],
)
def test_an_answer_is_kept_if_it_is_complete(body: Any, kept: bool) -> None:
    assert worth_keeping(body, Config()) is kept


@pytest.mark.parametrize(
    ("allowed", "called", "kept"),
    [
        (False, ["search"], False),
        (True, ["search", "pay"], True),
        (["search"], ["search"], True),
        (["search"], ["search", "pay"], False),
        ([], ["search"], False),
    ],
)
def test_tools_are_called_again_only_where_that_is_allowed(allowed: Any, called: list[str], kept: bool) -> None:
    assert worth_keeping(calling(*called), Config(tool_calls=allowed)) is kept


@pytest.mark.parametrize("call", [None, {}, {"function": None}, {"function": {"name": 5}}, "search"])
def test_a_call_of_a_tool_that_has_no_name_is_not_kept(call: Any) -> None:
    body = calling("search")
    body["choices"][0]["message"]["tool_calls"] = [call]
    assert not worth_keeping(body, Config(tool_calls=["search"]))


def test_the_older_form_of_a_call_counts_too() -> None:
    choice = {"index": 0, "message": {"function_call": {"name": "pay"}}, "finish_reason": "function_call"}
    assert not worth_keeping(completion(choices=[choice]), Config())
    assert worth_keeping(completion(choices=[choice]), Config(tool_calls=["pay"]))
