"""The layers of a reply, applied to bodies and to streams however their bytes are cut."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks import DROP, Payload, Reply
from hooks.sse import DONE, Splitter, decode, encode
from hooks.stream import Change, Layer, Recorder, Through, Watch, change_body, read, render
from hooks.testing import chunks_of, completion, streamed

WATCH = Watch(watcher=lambda outcome: None)
CUTS = st.lists(st.integers(0, 400), max_size=20)


async def cut(stream: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    start = 0
    for end in [*sorted({one % (len(stream) + 1) for one in cuts}), len(stream)]:
        if end > start:
            yield stream[start:end]
        start = end


async def rendered(stream: bytes, layers: list[Layer], cuts: list[int], **options: Any) -> bytes:
    return b"".join([chunk async for chunk in render(cut(stream, cuts), layers, **options)])


def numbers(*values: int) -> bytes:
    return b"".join(encode({"n": value}) for value in values) + DONE


def sent(stream: bytes) -> list[Any]:
    """The values of a stream that ends properly: no rest, [DONE] last and once."""
    splitter = Splitter()
    events = splitter.feed(stream)
    assert splitter.flush() == b""
    assert events[-1] == DONE
    assert events.count(DONE) == 1
    return [decode(event) for event in events[:-1]]


def doubled(event: Any) -> Any:
    return {"n": event["n"] * 2}


def odd_dropped(event: Any) -> Any:
    return DROP if event["n"] % 2 else None


def twice(event: Any) -> Any:
    return [event, event]


@given(CUTS)
async def test_a_change_is_applied_to_each_event_however_the_bytes_are_cut(cuts: list[int]) -> None:
    stream = await rendered(numbers(1, 2, 3), [Change(change=doubled)], cuts)
    assert sent(stream) == [{"n": 2}, {"n": 4}, {"n": 6}]


@given(CUTS)
async def test_changes_apply_in_the_order_of_registration(cuts: list[int]) -> None:
    layers: list[Layer] = [Change(change=odd_dropped), Change(change=twice), Change(change=doubled)]
    assert sent(await rendered(numbers(1, 2), layers, cuts)) == [{"n": 4}, {"n": 4}]
    backwards = await rendered(numbers(1, 2), layers[::-1], cuts)
    assert sent(backwards) == [{"n": 2}, {"n": 2}, {"n": 4}, {"n": 4}]


@given(CUTS)
async def test_what_was_held_back_comes_before_the_end_and_through_later_changes(cuts: list[int]) -> None:
    held: list[Any] = []

    def hold(event: Any) -> Any:
        held.append(dict(event))
        return DROP

    layers: list[Layer] = [Change(change=hold, end=lambda: held), Change(change=doubled, end=lambda: [{"n": 0}])]
    assert sent(await rendered(numbers(1, 2), layers, cuts)) == [{"n": 2}, {"n": 4}, {"n": 0}]


@pytest.mark.parametrize("end", [b"", b"data: [DONE]", DONE, DONE + DONE, b"data: [DONE]\r\n\r\n"])
async def test_the_end_is_asked_exactly_once_whether_or_not_done_comes(end: bytes) -> None:
    asked: list[int] = []

    def ending() -> list[Any]:
        asked.append(1)
        return [{"n": 9}]

    stream = await rendered(encode({"n": 1}) + end, [Change(change=lambda event: None, end=ending)], [])
    assert asked == [1]
    assert stream == encode({"n": 1}) + encode({"n": 9}) + end


async def test_a_last_event_without_its_blank_line_does_not_run_into_what_follows() -> None:
    layers: list[Layer] = [Change(change=lambda event: None, end=lambda: [{"n": 2}])]
    stream = await rendered(encode({"n": 1}).rstrip(), layers, [])
    assert [decode(event) for event in Splitter().feed(stream)] == [{"n": 1}, {"n": 2}]


@given(st.sampled_from([b"\n", b"\r\n", b"\r"]), CUTS)
async def test_events_that_no_change_touched_pass_byte_for_byte(end: bytes, cuts: list[int]) -> None:
    lines = [
        b": ping",
        b"",
        b'data: { "n" :  1 }',
        b"",
        b"id: 7",
        b"data: oops",
        b"",
        b"data: 5",
        b"",
        b"data: [DONE]",
        b"",
        b"",
    ]
    stream = end.join(lines)
    assert await rendered(stream, [Change(change=lambda event: None)], cuts) == stream


async def test_a_changed_event_keeps_its_name_where_the_stream_has_names() -> None:
    stream = b'event: delta\ndata: {"type":"delta","n":1}\n\nevent: stop\ndata: {"n":2}\n\n'

    def change(event: Any) -> Any:
        return [{**event, "x": 1}, {"type": "a.b", "n": 0}] if event["n"] == 1 else {"n": 3}

    assert await rendered(stream, [Change(change=change)], []) == (
        b'event: delta\ndata: {"type":"delta","n":1,"x":1}\n\n'
        b'event: a.b\ndata: {"type":"a.b","n":0}\n\n'
        b'event: stop\ndata: {"n":3}\n\n'
    )


async def test_a_type_cannot_smuggle_a_line_into_the_stream() -> None:
    def change(event: Any) -> Any:
        return {"type": "x\ndata: y"}

    assert await rendered(b"event: a\ndata: {}\n\n", [Change(change=change)], []) == (
        b'event: a\ndata: {"type":"x\\ndata: y"}\n\n'
    )


async def test_an_event_is_read_only_for_a_change() -> None:
    def change(event: Any) -> Any:
        event["n"] = 2

    with pytest.raises(TypeError, match="read-only"):
        await rendered(numbers(1), [Change(change=change)], [])


@given(CUTS)
async def test_a_watcher_sees_the_stream_as_it_is_at_its_place(cuts: list[int]) -> None:
    recorders = {0: Recorder(), 2: Recorder(), 4: Recorder()}
    layers: list[Layer] = [WATCH, Change(change=doubled), WATCH, Change(change=odd_dropped), WATCH]
    stream = numbers(1, 2)
    await rendered(stream, layers, cuts, recorders=recorders)
    seen = [sent(b"".join(recorder.chunks)) for recorder in recorders.values()]
    assert seen == [[{"n": 1}, {"n": 2}], [{"n": 2}, {"n": 4}], [{"n": 2}, {"n": 4}]]


def test_a_stream_over_the_recorders_limit_is_no_answer_rather_than_half_of_one() -> None:
    chunks = [encode(event) for event in chunks_of("a", "b")]
    recorder = Recorder(limit=len(chunks[0]))
    recorder.add(chunks[0])
    assert recorder.assemble()["choices"][0]["message"] == {"role": "assistant", "content": ""}
    recorder.add(chunks[1])
    assert recorder.size == len(chunks[0]) + len(chunks[1])
    assert recorder.assemble() is None


def test_a_recorder_of_nothing_has_no_answer() -> None:
    assert Recorder().assemble() is None


async def test_closing_the_rendered_stream_closes_everything_below_it() -> None:
    closed: list[str] = []

    def closing(name: str) -> Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]:
        async def wrap(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
            try:
                async with aclosing(chunks):  # type: ignore[type-var]
                    async for chunk in chunks:
                        yield chunk
            finally:
                closed.append(name)

        return wrap

    source = closing("source")(cut(numbers(1, 2, 3), [10, 20]))
    layers: list[Layer] = [WATCH, Change(change=doubled), Through(wrap=closing("through")), Change(change=doubled)]
    stream: Any = render(source, layers, recorders={0: Recorder()})
    await anext(stream)
    await stream.aclose()
    assert closed == ["source", "through"]


async def test_closing_a_streamed_reply_closes_the_events_it_was_made_of() -> None:
    closed = []

    async def events() -> AsyncIterator[dict[str, Any]]:
        try:
            for event in chunks_of("a", "b"):
                yield event
        finally:
            closed.append(True)

    chunks: Any = Reply.stream(events()).chunks
    await anext(chunks)
    await chunks.aclose()
    assert closed == [True]


async def test_a_generator_between_may_end_the_stream_early() -> None:
    async def first(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async with aclosing(chunks):  # type: ignore[type-var]
            yield await anext(chunks)

    stream = await rendered(numbers(1, 2), [Through(wrap=first)], [len(encode({"n": 1}))])
    assert stream == encode({"n": 1})


def test_a_whole_body_is_changed_in_the_order_of_registration() -> None:
    layers: list[Layer] = [Change(change=doubled), WATCH, Change(change=lambda body: {"n": body["n"] + 1})]
    assert change_body(Payload(b'{"n": 5}'), layers).value == {"n": 11}


def test_a_body_that_no_change_touched_is_the_same_object() -> None:
    payload = Payload(b'{ "n" : 5 }')
    assert change_body(payload, [Change(change=lambda body: None), Change(change=lambda body: DROP)]) is payload


def test_a_body_that_is_not_json_is_left_alone() -> None:
    payload = Payload(b"Bad Gateway")
    assert change_body(payload, [Change(change=doubled)]) is payload


async def test_reading_gives_the_whole_answer_with_its_changes() -> None:
    def shout(event: Any) -> Any:
        return json.loads(json.dumps(event).replace("lo", "LO"))

    assert await read(None) is None
    assert (await read(Payload(value=completion("hello")), [Change(change=shout)]))["choices"][0]["message"] == {
        "role": "assistant",
        "content": "helLO",
    }
    reply = streamed("hel", "lo")
    assert (await read(reply.chunks, [Change(change=shout), WATCH]))["choices"][0]["message"]["content"] == "helLO"
