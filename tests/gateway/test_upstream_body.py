"""The bytes that are sent to a deployment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cognitude_plugins.gateway.upstream_body import asked_for_usage, upstream_body
from hooks import Call
from hooks.testing import make_call
from tests.gateway.test_attempts import deployment


def body_of(call: Call) -> Any:
    return json.loads(upstream_body(call, deployment("one", "gpt")))


def test_a_stream_is_asked_for_its_usage_and_whatever_else_the_client_wanted() -> None:
    chat: dict[str, Any] = {"model": "m", "messages": [], "stream": True}
    assert body_of(make_call(chat)) == {**chat, "model": "gpt", "stream_options": {"include_usage": True}}
    options = {"include_usage": False, "other": 1}
    made = body_of(make_call({**chat, "stream_options": options}))
    assert made["stream_options"] == {"include_usage": True, "other": 1}
    assert body_of(make_call({**chat, "stream_options": None}))["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("body", [{"model": "m", "stream": False}, {"model": "m"}])
def test_a_whole_answer_is_not_asked_for_what_it_has_anyway(body: Any) -> None:
    assert "stream_options" not in body_of(make_call(body))


def test_embeddings_have_no_stream_options() -> None:
    assert "stream_options" not in body_of(make_call({"model": "m", "input": "x", "stream": True}, api="embeddings"))


@pytest.mark.parametrize(
    ("options", "asked"), [(None, False), ({}, False), ({"include_usage": True}, True), ({"include_usage": 1}, False)]
)
def test_whether_the_client_asked_for_usage(options: Any, asked: bool) -> None:
    assert asked_for_usage(make_call({"model": "m", "stream_options": options})) is asked
