"""The gateway is told to go: it says so, finishes what it has begun, and leaves with exit code 0."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.book import BOOK, booked
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT, HELLO, connected, post, read_answer
from tests.processes import Running, gateway, simulated

CONFIG = """
gateway:
  drain: {{announce_seconds: {announce}, finish_seconds: {finish}}}
models:
  - {{name: sim, provider: simulated/echo, options: {{chunk_ms: 20}}}}
  - {{name: endless, provider: openai/echo, base_url: "{url}/v1", api_key: sk-upstream}}
pipeline:
  - use: ./book.py
"""
WORDS = {"model": "sim", "messages": [{"role": "user", "content": "word " * 60}], "stream": True}
ENDLESS = {**WORDS, "model": "endless"}


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with simulated(tmp_path_factory.mktemp("upstream"), "--faults", "endless", "--chunk-ms", "20") as one:
        yield one


def config(folder: Path, upstream: Running, *, announce: float = 1.0, finish: float = 20.0) -> str:
    (folder / "book.py").write_text(BOOK)
    return CONFIG.format(announce=announce, finish=finish, url=upstream.url)


class Streams:
    """Streams read by threads of their own; ``texts`` is what each of them got."""

    def __init__(self, one: Running, body: dict[str, Any], count: int) -> None:
        self.texts = [""] * count
        self._one, self._body = one, body
        self._threads = [threading.Thread(target=self._read, args=(index,), daemon=True) for index in range(count)]

    def begin(self) -> Streams:
        for thread in self._threads:
            thread.start()
        assert eventually(lambda: all(self.texts), 10)
        return self

    def join(self, seconds: float) -> list[str]:
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), "a stream did not end"
        return self.texts

    def _read(self, index: int) -> None:
        with self._one.client() as client, client.stream("POST", CHAT, json=self._body) as answer:
            for text in answer.iter_text():
                self.texts[index] += text


def last_event(text: str) -> Any:
    return json.loads(text.strip().rsplit("data: ", 1)[1])


def test_streams_finish_while_the_gateway_says_that_it_is_leaving(tmp_path: Path, upstream: Running) -> None:
    with gateway(config(tmp_path, upstream), tmp_path) as one, one.client() as client:
        assert client.get("/readyz").json() == {"status": "ok"}
        streams = Streams(one, WORDS, 5).begin()
        one.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: httpx.get(f"{one.url}/readyz", trust_env=False).status_code == 503, 0.9)
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "draining"})
        assert answer.headers["connection"] == "close"
        assert client.get("/livez").status_code == 200
        assert client.get("/health").json()["status"] == "draining"
        late = client.post(CHAT, json=HELLO)
        assert late.status_code == 200, "while it announces its leaving it still serves"
        assert late.headers["connection"] == "close"
        for text in streams.join(10):
            assert text.endswith("data: [DONE]\n\n")
        assert one.process.wait(5) == 0
    assert [line["complete"] for line in booked(tmp_path)] == [True] * 6
    assert "Traceback" not in one.text()


def test_after_the_announcement_connections_are_refused(tmp_path: Path, upstream: Running) -> None:
    with gateway(config(tmp_path, upstream, announce=0.1), tmp_path) as one:
        streams = Streams(one, WORDS, 1).begin()
        one.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{one.url}/livez", trust_env=False)
        assert streams.join(10)[0].endswith("data: [DONE]\n\n")
        assert one.process.wait(5) == 0


def test_a_stream_without_an_end_is_ended_at_the_deadline_with_an_error_and_booked(
    tmp_path: Path, upstream: Running
) -> None:
    with gateway(config(tmp_path, upstream, announce=0, finish=1), tmp_path) as one:
        streams = Streams(one, ENDLESS, 20).begin()
        began = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        for text in streams.join(8):
            assert last_event(text)["error"]["code"] == "shutting_down"
            assert "shutting down" in last_event(text)["error"]["message"]
        assert one.process.wait(5) == 0
        assert 1.0 <= time.monotonic() - began < 5
    lines = booked(tmp_path)
    assert len({line["id"] for line in lines}) == len(lines) == 20
    assert {(line["complete"], line["error"]) for line in lines} == {(False, "shutdown")}
    assert "Traceback" not in one.text()
    stats = f"{upstream.url}/stats"
    assert eventually(lambda: httpx.get(stats, trust_env=False).json()["open"] == 0, 1)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_everything_at_once_and_books_it(
    tmp_path: Path, upstream: Running, second: signal.Signals
) -> None:
    with gateway(config(tmp_path, upstream, announce=30, finish=60), tmp_path) as one:
        streams = Streams(one, ENDLESS, 5).begin()
        one.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        began = time.monotonic()
        one.process.send_signal(second)
        for text in streams.join(8):
            assert "shutting down" in last_event(text)["error"]["message"]
        assert one.process.wait(5) == 0
        assert time.monotonic() - began < 4
    assert len(booked(tmp_path)) == 5


def test_control_c_finishes_streams_without_an_announcement(tmp_path: Path, upstream: Running) -> None:
    with gateway(config(tmp_path, upstream, announce=30), tmp_path) as one:
        streams = Streams(one, WORDS, 2).begin()
        one.process.send_signal(signal.SIGINT)
        assert all(text.endswith("data: [DONE]\n\n") for text in streams.join(10))
        assert one.process.wait(5) == 0
    assert "Traceback" not in one.text()
    assert "KeyboardInterrupt" not in one.text()


def test_a_call_that_waits_for_its_provider_is_told_at_the_deadline(tmp_path: Path, upstream: Running) -> None:
    slow = config(tmp_path, upstream, announce=0, finish=0.5).replace("chunk_ms: 20", "latency_ms: 60000")
    with gateway(slow, tmp_path) as one, connected(one.url) as wire:
        wire.sendall(post(HELLO))
        assert eventually(lambda: httpx.get(f"{one.url}/health", trust_env=False).json()["in_flight"] == 1)
        one.process.send_signal(signal.SIGTERM)
        answer = read_answer(wire)
        assert (answer.status, answer.code) == (503, "shutting_down")
        assert answer.headers["retry-after"] == "1"
        assert one.process.wait(5) == 0
    [line] = booked(tmp_path)
    assert (line["status"], line["complete"], line["error"]) == (503, False, "shutdown")


def test_a_request_whose_body_is_still_coming_does_not_hold_up_the_exit(tmp_path: Path, upstream: Running) -> None:
    with gateway(config(tmp_path, upstream, announce=0, finish=0.5), tmp_path) as one, connected(one.url) as wire:
        wire.sendall(post(HELLO, length=10_000))
        assert eventually(lambda: httpx.get(f"{one.url}/health", trust_env=False).json()["in_flight"] == 1)
        one.process.send_signal(signal.SIGTERM)
        assert (read_answer(wire).status) == 503
        assert one.process.wait(5) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_gateway_with_open_connections_leaves_quickly(
    tmp_path: Path, upstream: Running, number: signal.Signals
) -> None:
    with gateway(config(tmp_path, upstream, announce=0), tmp_path) as one, ExitStack() as stack:
        for index in range(20):
            wire = stack.enter_context(connected(one.url))
            if index % 2:
                wire.sendall(post(HELLO))
                assert read_answer(wire).status == 200
        began = time.monotonic()
        assert one.stop(number) == 0
        assert time.monotonic() - began < 2
