"""The sample values are what a client and a provider would send."""

from __future__ import annotations

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from hooks import read
from hooks.testing import chunks_of, completion, make_call, streamed


def test_a_call_arrives_as_bytes_and_says_who_asked() -> None:
    call = make_call({"model": "m"}, organization="umbrella", user="u", headers={"X-Tag": "blue"}, api="embeddings")
    assert call.payload.raw == b'{"model":"m"}'
    assert (call.caller.organization, call.caller.key, call.caller.user) == ("umbrella", "key-1", "u")
    assert (call.headers["x-tag"], call.api, call.dry_run) == ("blue", "embeddings", False)
    assert make_call().body["messages"][0]["content"] == "Hello"


def test_a_completion_is_one_for_the_openai_client() -> None:
    parsed = ChatCompletion.model_validate(completion("Hi", model="m", service_tier="flex"))
    assert (parsed.choices[0].message.content, parsed.model, parsed.service_tier) == ("Hi", "m", "flex")


def test_chunks_are_chunks_for_the_openai_client() -> None:
    chunks = [ChatCompletionChunk.model_validate(one) for one in chunks_of("a", "b", finish_reason="length")]
    assert [one.choices[0].delta.content for one in chunks] == ["", "a", "b", None]
    assert chunks[-1].choices[0].finish_reason == "length"
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert chunks_of("a", usage=usage)[-1] == {**chunks_of("a")[0], "choices": [], "usage": usage}


async def test_a_streamed_reply_reads_as_its_text() -> None:
    assert (await read(streamed("Hel", "lo", model="m")))["choices"][0]["message"]["content"] == "Hello"
