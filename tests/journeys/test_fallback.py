"""When a provider fails, the next deployment of the model is tried; once something was sent, never."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.journeys.book import BOOK, booked
from tests.journeys.recorder import Recorder, answer, chunk, recording, stream
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT, HELLO
from tests.processes import KEY, Running, free_port, gateway

CONFIG = """
gateway:
  timeouts: {{connect: 1, first_token: 1, between_chunks: 1, total: 3}}
  drain: {{announce_seconds: 0}}
  retries: {{most: 0}}
  breaker: {{enabled: false}}
models:
  - {{name: m, provider: openai/first, base_url: "{first}/v1", api_key: sk-first}}
  - {{name: m, provider: openai/second, base_url: "{second}/v1", api_key: sk-second}}
  - {{name: m, provider: openai/third, base_url: "{third}/v1", api_key: sk-third}}
  - {{name: lonely, provider: openai/x, base_url: "http://127.0.0.1:{nobody}/v1", api_key: sk-x}}
  - {{name: both, candidates: [lonely, m]}}
pipeline:
  - use: ./book.py
"""
ASKED = {**HELLO, "model": "m"}
ENVELOPE = {"error": {"message": "busy there", "type": "server_error", "param": None, "code": "busy"}}


class Place:
    def __init__(self, one: Running, upstreams: list[Recorder], folder: Path) -> None:
        self.one, self.upstreams, self.folder = one, upstreams, folder

    def says(self, *answers: bytes) -> None:
        for upstream, said in zip(self.upstreams, answers, strict=False):
            upstream.answer = lambda received, said=said: said  # type: ignore[misc]

    def ask(self, **options: Any) -> httpx.Response:
        with self.one.client() as client:
            return client.post(CHAT, json={**ASKED, **options})

    @property
    def called(self) -> list[int]:
        return [len(upstream.received) for upstream in self.upstreams]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("fallback")
    (folder / "book.py").write_text(BOOK)
    with ExitStack() as stack:
        upstreams = [stack.enter_context(recording()) for _ in range(3)]
        first, second, third = (upstream.url for upstream in upstreams)
        config = CONFIG.format(first=first, second=second, third=third, nobody=free_port())
        yield Place(stack.enter_context(gateway(config, folder)), upstreams, folder)


@pytest.fixture
def place(lasting: Place) -> Place:
    for upstream in lasting.upstreams:
        upstream.received.clear()
        upstream.answer = lambda received: answer()
    return lasting


def test_the_first_deployment_is_tried_first_and_alone(place: Place) -> None:
    said = place.ask()
    assert said.status_code == 200
    assert place.called == [1, 0, 0]
    assert said.headers["x-cognitude-attempts"] == "1"
    assert said.headers["x-cognitude-model"] == "m"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_a_transient_status_moves_on_to_the_next(place: Place, status: int) -> None:
    place.says(answer(status, ENVELOPE, "retry-after: 30"))
    said = place.ask()
    assert said.status_code == 200
    assert place.called == [1, 1, 0]
    assert said.headers["x-cognitude-attempts"] == "2"
    assert said.headers["x-cognitude-model"] == "m#2"
    assert "retry-after" not in said.headers


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_an_error_of_the_client_is_final(place: Place, status: int) -> None:
    place.says(answer(status, ENVELOPE))
    said = place.ask()
    assert (said.status_code, said.json()) == (status, ENVELOPE)
    assert place.called == [1, 0, 0]


def test_each_deployment_gets_its_own_key_and_model_and_the_same_trace(place: Place) -> None:
    place.says(answer(503, ENVELOPE), answer(503, ENVELOPE))
    assert place.ask().headers["x-cognitude-attempts"] == "3"
    received = [upstream.received[0] for upstream in place.upstreams]
    assert [one.header("authorization") for one in received] == [
        ["Bearer sk-first"], ["Bearer sk-second"], ["Bearer sk-third"],
    ]  # fmt: skip
    assert [one.json["model"] for one in received] == ["first", "second", "third"]
    assert len({one.header("traceparent")[0].split("-")[1] for one in received}) == 1


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n{",
        b"GARBAGE\r\n\r\n",
        answer(200, b"<html>", kind="text/html"),
        answer(200, b'{"choices": ['),
        answer(200, b""),
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    ],
    ids=["closed", "cut short", "no HTTP", "a page", "no JSON", "empty", "no event"],
)
def test_an_answer_that_is_none_moves_on_to_the_next(place: Place, broken: bytes) -> None:
    place.says(broken)
    assert place.ask().status_code == 200
    assert place.called == [1, 1, 0]


def test_a_provider_that_is_not_there_moves_on_to_the_next(place: Place) -> None:
    said = place.ask(model="both")
    assert said.status_code == 200
    assert said.headers["x-cognitude-attempts"] == "2"
    assert place.called == [1, 0, 0]


def test_a_provider_that_says_nothing_moves_on_after_its_timeout(place: Place) -> None:
    def slow(received: Any) -> bytes:
        time.sleep(2)
        return answer()

    place.upstreams[0].answer = slow
    place.says()
    said = place.ask(stream=True)
    assert 0.9 < said.elapsed.total_seconds() < 2.5
    assert place.called[:2] == [1, 1]


def test_when_all_fail_the_last_failure_is_the_answer(place: Place) -> None:
    last = {"error": {"message": "the last", "type": "rate_limit_error", "param": None, "code": "last"}}
    place.says(answer(500, ENVELOPE), answer(503, ENVELOPE), answer(429, last, "retry-after: 17"))
    said = place.ask()
    assert (said.status_code, said.json()) == (429, last)
    assert said.headers["retry-after"] == "17"
    assert said.headers["x-cognitude-attempts"] == "3"
    assert said.headers["x-cognitude-source"] == "error"
    assert place.called == [1, 1, 1]


def test_when_nobody_is_there_the_client_learns_no_address(place: Place) -> None:
    said = place.ask(model="lonely")
    assert said.status_code == 502
    assert said.json()["error"]["code"] == "provider_connect"
    assert "127.0.0.1" not in said.text


def test_a_stream_that_fails_before_its_first_event_moves_on(place: Place) -> None:
    place.says(answer(503, ENVELOPE), stream(chunk("Second")))
    said = place.ask(stream=True)
    assert said.headers["x-cognitude-attempts"] == "2"
    assert '"Second"' in said.text
    assert said.text.endswith("data: [DONE]\n\n")


def test_a_stream_that_breaks_after_its_first_event_is_never_tried_again(place: Place) -> None:
    place.says(stream(chunk("Half"), end=False))
    said = place.ask(stream=True)
    assert said.status_code == 200
    assert '"Half"' in said.text
    assert json.loads(said.text.strip().rsplit("data: ", 1)[1])["error"]["code"] == "provider_broke_off"
    assert "[DONE]" not in said.text
    assert place.called == [1, 0, 0]
    assert eventually(lambda: any(not line["complete"] for line in booked(place.folder)))
    [line] = [line for line in booked(place.folder) if not line["complete"]]
    assert (line["complete"], line["error"], line["attempts"]) == (False, "provider_error", 1)


def test_the_openai_client_raises_on_a_stream_that_breaks_off(place: Place) -> None:
    place.says(stream(chunk("Half"), end=False))
    asked: Any = HELLO["messages"]
    with openai.OpenAI(base_url=f"{place.one.url}/v1", api_key=KEY, max_retries=0) as client:
        parts = iter(client.chat.completions.create(model="m", messages=asked, stream=True))
        assert next(parts).choices[0].delta.content == "Half"
        with pytest.raises(openai.APIError, match="not complete"):
            next(parts)
    assert place.called == [1, 0, 0]


def test_a_stream_that_stalls_is_ended_after_its_timeout(place: Place) -> None:
    def stalls(received: Any) -> bytes:
        return stream(chunk("Half"), end=False)

    place.upstreams[0].answer = stalls
    said = place.ask(stream=True)
    assert '"error"' in said.text
    assert place.called == [1, 0, 0]


def test_all_attempts_together_take_no_longer_than_the_total(place: Place) -> None:
    def slow(received: Any) -> bytes:
        time.sleep(4)
        return answer()

    for upstream in place.upstreams:
        upstream.answer = slow
    began = time.monotonic()
    said = place.ask()
    assert said.status_code == 504
    assert time.monotonic() - began < 3.8
