"""What an answer says, seen without changing it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cognitude_plugins.redis_cache.reading import failure, unchanged, usage, value
from hooks import Payload, Reply
from hooks.sse import DONE, encode
from hooks.testing import chunks_of, completion, streamed


def test_a_failure_of_a_provider_is_everybodys_and_another_is_not() -> None:
    failed = replace(Reply.error(503, "No.", headers={"x-secret": "1"}), attempts=2)
    told = failure(failed)
    assert told is not None
    assert (told.status, told.body, "x-secret" in told.headers) == (503, failed.body, False)
    assert failure(Reply.error(429, "Too many.")) is None
    assert failure(replace(streamed("a"), attempts=1)) is None


def test_an_answer_that_is_yet_to_be_changed_is_not_as_it_will_be() -> None:
    reply = Reply(payload=Payload(b'{"a": 1.00}'))
    assert unchanged(reply) == b'{"a": 1.00}'
    assert unchanged(reply.on_complete(lambda outcome: None)) == b'{"a": 1.00}'
    assert unchanged(reply.map(lambda body: None)) is None
    assert unchanged(streamed("a")) is None


def test_what_is_no_json_has_no_value() -> None:
    assert value(Reply(payload=Payload(b"Bad Gateway"))) is None
    assert value(Reply()) is None
    assert value(Reply.json(completion())) == completion()


@pytest.mark.parametrize("reported", [None, {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}])
def test_the_usage_of_a_stream_is_the_last_it_reports(reported: dict[str, int] | None) -> None:
    early = {**chunks_of("a")[0], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}
    events = [encode(event) for event in ([early] if reported else []) + chunks_of("a", usage=reported)]
    raw = b"".join([*events, DONE])
    found = usage([raw[at : at + 7] for at in range(0, len(raw), 7)])
    assert (None if found is None else found.completion_tokens) == (3 if reported else None)
