"""Replies, their layers and what is told of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from hooks import Outcome, Payload, Reply, Usage, read
from hooks.stream import Change, Through, Watch
from hooks.testing import completion, streamed


def test_an_error_is_an_openai_envelope_with_every_field() -> None:
    reply = Reply.error(429, "Too many.", type="requests", code="rate_limit_exceeded", headers={"retry-after": "3"})
    assert (reply.status, reply.headers) == (429, {"retry-after": "3"})
    assert reply.body == {
        "error": {"message": "Too many.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    }


def test_a_stream_has_no_body_and_a_whole_reply_no_chunks() -> None:
    assert (streamed("a").body, streamed("a").streamed) == (None, True)
    assert (Reply.json({"a": 1}).body, Reply.json({"a": 1}).streamed) == ({"a": 1}, False)
    assert Reply(payload=Payload(b"Bad Gateway")).body is None
    assert Reply().body is None


def test_each_layer_makes_a_new_reply_and_keeps_their_order() -> None:
    async def wrap(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk

    first = streamed("a")
    last = first.map(lambda event: None).on_complete(lambda outcome: None).through(wrap)
    assert [type(layer) for layer in last.layers] == [Change, Watch, Through]
    assert first.layers == ()


def test_headers_are_added_beside_those_that_are_there() -> None:
    """Every other field stays as it was."""
    before = replace(streamed("a"), headers={"a": "1", "b": "2"}, source="provider", attempts=2, status=201)
    before = before.on_complete(lambda outcome: None)
    after = before.with_headers({"b": "3", "c": "4"})
    assert after == replace(before, headers={"a": "1", "b": "3", "c": "4"})
    assert (after.chunks, after.layers) == (before.chunks, before.layers)
    assert before.headers == {"a": "1", "b": "2"}


def test_a_whole_reply_cannot_be_handed_through_a_generator() -> None:
    with pytest.raises(TypeError, match=r"a whole reply has no chunks to hand through; use reply\.map"):
        Reply.json({}).through(lambda chunks: chunks)


async def test_a_reply_is_read_with_its_changes_and_without_telling_its_watchers() -> None:
    told: list[Outcome] = []
    for reply in (Reply.json(completion("Hello")), streamed("Hel", "lo")):
        value = await read(reply.map(lambda body: {**body, "model": "other"}).on_complete(told.append))
        assert value["choices"][0]["message"]["content"] == "Hello"
        assert value["model"] == "other"
    assert await read(Reply()) is None
    assert told == []


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (None, None),
        ([], None),
        ({}, None),
        ({"usage": None}, None),
        ({"usage": {}}, None),
        ({"usage": {"prompt_tokens": 0}}, Usage()),
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4}}, Usage(prompt_tokens=3, completion_tokens=4)),
        ({"usage": {"input_tokens": 3, "output_tokens": 4}}, Usage(prompt_tokens=3, completion_tokens=4)),
        (
            {"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 8}}},
            Usage(prompt_tokens=9, cached_tokens=8),
        ),
        (
            {
                "usage": {
                    "prompt_tokens": 0,
                    "completion_tokens": 9,
                    "completion_tokens_details": {"reasoning_tokens": 8},
                }
            },
            Usage(completion_tokens=9, reasoning_tokens=8),
        ),
        (
            {
                "usage": {
                    "input_tokens": 9,
                    "output_tokens": 7,
                    "input_tokens_details": {"cached_tokens": 8},
                    "output_tokens_details": {"reasoning_tokens": 6},
                }
            },
            Usage(prompt_tokens=9, completion_tokens=7, cached_tokens=8, reasoning_tokens=6),
        ),
        ({"usage": {"prompt_tokens": True, "completion_tokens": -4}}, None),
        ({"usage": {"prompt_tokens": "3", "completion_tokens": 1.5}}, None),
        (
            {"usage": {"prompt_tokens": 3, "completion_tokens": None, "prompt_tokens_details": []}},
            Usage(prompt_tokens=3),
        ),
    ],
)
def test_usage_is_what_the_answer_reports_in_whole_numbers(body: Any, usage: Usage | None) -> None:
    assert Usage.of(body) == usage


def test_an_outcome_makes_its_body_only_when_asked() -> None:
    asked: list[int] = []

    def assemble() -> Any:
        asked.append(1)
        return {"a": 1}

    outcome = Outcome(status=200, source="provider", complete=True, assemble=assemble)
    assert asked == []
    assert outcome.body == {"a": 1}
    assert Outcome(status=200, source="provider", complete=True).body is None


def test_the_text_form_of_a_reply_shows_no_answer() -> None:
    assert "secret" not in repr(Reply.json({"text": "secret"}))
