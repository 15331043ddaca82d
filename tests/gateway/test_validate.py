"""What the gateway itself asks of a call's body, and what it leaves to the provider."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.request_body import Refused
from cognitude_plugins.gateway.validate import CallLimits, check_call

CHAT = {"model": "m", "messages": []}
LIMITS = CallLimits(messages=3, n=2)


@pytest.mark.parametrize(
    ("api", "body", "param", "code"),
    [
        ("chat", {"messages": []}, "model", "missing_required_parameter"),
        ("chat", {**CHAT, "model": ""}, "model", "invalid_value"),
        ("chat", {**CHAT, "model": 7}, "model", "invalid_value"),
        ("chat", {**CHAT, "model": ["m"]}, "model", "invalid_value"),
        ("chat", {"model": "m"}, "messages", "missing_required_parameter"),
        ("chat", {**CHAT, "messages": None}, "messages", "missing_required_parameter"),
        ("chat", {**CHAT, "messages": "hi"}, "messages", "invalid_value"),
        ("chat", {**CHAT, "messages": {}}, "messages", "invalid_value"),
        ("chat", {**CHAT, "messages": [{}] * 4}, "messages", "invalid_value"),
        ("chat", {**CHAT, "stream": 1}, "stream", "invalid_value"),
        ("chat", {**CHAT, "stream": "true"}, "stream", "invalid_value"),
        ("chat", {**CHAT, "n": 0}, "n", "invalid_value"),
        ("chat", {**CHAT, "n": 3}, "n", "invalid_value"),
        ("chat", {**CHAT, "n": True}, "n", "invalid_value"),
        ("chat", {**CHAT, "n": 1.0}, "n", "invalid_value"),
        ("completions", {"model": "m"}, "prompt", "missing_required_parameter"),
        ("embeddings", {"model": "m"}, "input", "missing_required_parameter"),
    ],
)
def test_what_is_wrong_is_named(api: str, body: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        check_call(api, body, LIMITS)
    error = caught.value.reply.body["error"]
    assert (caught.value.reply.status, error["param"], error["code"]) == (400, param, code)
    assert repr(param) in error["message"]


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("chat", {**CHAT, "messages": [{}] * 3, "n": 2, "stream": None, "anything": [1]}),
        ("chat", {**CHAT, "stream": True, "n": None, "messages": ["not even an object"]}),
        ("completions", {"model": "m", "prompt": ""}),
        ("embeddings", {"model": "m", "input": [[1, 2]]}),
    ],
)
def test_the_rest_is_the_providers_to_judge(api: str, body: dict[str, Any]) -> None:
    check_call(api, body, LIMITS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(["chat", "completions", "embeddings"]),
    st.dictionaries(st.sampled_from(["model", "messages", "prompt", "input", "stream", "n"]), JSON),
)
def test_no_body_does_more_than_be_refused(api: str, body: dict[str, Any]) -> None:
    try:
        check_call(api, body, LIMITS)
    except Refused:
        return
    assert type(body["model"]) is str
