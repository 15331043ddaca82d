"""What the faults do on a socket, seen byte by byte, and what the simulated model notices of its clients."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest

from cognitude_plugins.gateway.providers.simulated.serve import run_simulated
from cognitude_plugins.gateway.providers.simulated.settings import Settings

Start = Callable[..., str]


def connected(url: str, fault: str = "", *, stream: bool = True) -> socket.socket:
    """A socket on which one chat call of seven tokens was sent."""
    body = json.dumps(
        {
            "model": "echo",
            "stream": stream,
            "messages": [{"role": "user", "content": "one two three four five six seven"}],
        }
    )
    host, port = url.removeprefix("http://").split(":")
    made = socket.create_connection((host, int(port)), timeout=5)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    head += f"x-simulate-fault: {fault}\r\n" if fault else ""
    made.sendall(f"{head}\r\n{body}".encode())
    return made


def received(made: socket.socket, wait: float = 5) -> tuple[bytes, str]:
    """What came, and how it ended: ``closed``, ``reset``, or ``open`` when nothing more came for ``wait`` seconds."""
    made.settimeout(wait)
    data = b""
    try:
        while more := made.recv(65536):
            data += more
        return data, "closed"
    except ConnectionResetError:
        return data, "reset"
    except TimeoutError:
        return data, "open"
    finally:
        made.close()


def events(data: bytes) -> int:
    return data.count(b"data: ")


def stats(url: str) -> dict[str, int]:
    answer: dict[str, int] = httpx.get(f"{url}/stats").json()
    return answer


def eventually(url: str, **wanted: int) -> None:
    for _ in range(100):
        if stats(url).items() >= wanted.items():
            return
        time.sleep(0.01)
    raise AssertionError((stats(url), wanted))


def test_without_a_fault_the_connection_stays(simulated: Start) -> None:
    data, end = received(connected(simulated()), 0.2)
    assert end == "open"
    assert events(data) == 1 + 7 + 1 + 1
    assert data.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


@pytest.mark.parametrize("stream", [True, False])
def test_refuse_closes_the_connection_without_a_byte(simulated: Start, stream: bool) -> None:
    url = simulated()
    assert received(connected(url, "refuse", stream=stream))[0] == b""
    assert stats(url) == {"calls": 1, "open": 0, "cancelled": 0}


@pytest.mark.parametrize("place", [0, 1, 3])
def test_reset_is_a_tcp_reset_after_so_many_events(simulated: Start, place: int) -> None:
    url = simulated()
    data, end = received(connected(url, f"reset@{place}"))
    assert end == "reset"
    assert data.startswith(b"HTTP/1.1 200")
    assert events(data) == place
    eventually(url, calls=1, open=0, cancelled=0)


def test_reset_cuts_a_whole_body_in_the_middle(simulated: Start) -> None:
    data, end = received(connected(simulated(), "reset", stream=False))
    head, body = data.split(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert end == "reset"
    assert 0 < len(body) < length


def test_stall_sends_so_many_events_and_then_nothing(simulated: Start) -> None:
    url = simulated()
    made = connected(url, "stall@4")
    time.sleep(0.1)
    assert stats(url) == {"calls": 1, "open": 1, "cancelled": 0}
    data, end = received(made, 0.2)
    assert (events(data), end) == (4, "open")
    eventually(url, open=0, cancelled=1)


def test_stall_holds_a_whole_body_back(simulated: Start) -> None:
    url = simulated()
    data, end = received(connected(url, "stall", stream=False), 0.2)
    assert end == "open"
    assert b"content-length" in data
    eventually(url, cancelled=1)


def test_slow_head_delays_the_head_and_adds_to_the_latency(simulated: Start) -> None:
    began = time.monotonic()
    with connected(simulated(latency_ms=50), "slow_head=0.2") as made:
        assert made.recv(1)
    assert 0.25 <= time.monotonic() - began < 1


def test_chunks_come_at_their_pace(simulated: Start) -> None:
    url = simulated(chunk_ms=20)
    body = {"model": "echo", "stream": True, "messages": [{"role": "user", "content": "one two three four five"}]}
    times = []
    with httpx.stream("POST", f"{url}/v1/chat/completions", json=body) as answer:
        times = [time.monotonic() for line in answer.iter_lines() if line]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(gap > 0.01 for gap in gaps[:5])
    assert sum(gaps[5:]) < 0.02


def test_a_malformed_event_comes_at_its_place_and_the_stream_goes_on(simulated: Start) -> None:
    data, _ = received(connected(simulated(), "malformed@2"), 0.2)
    lines = [line for line in data.split(b"\n") if line.startswith(b"data: ")]
    assert len(lines) == 11
    with pytest.raises(ValueError):
        json.loads(lines[2][6:])
    assert lines[-1] == b"data: [DONE]"


def test_a_malformed_whole_body_is_cut_with_its_length_agreeing(simulated: Start) -> None:
    body = {"model": "echo", "messages": [{"role": "user", "content": "x"}]}
    answer = httpx.post(f"{simulated(faults='malformed')}/v1/chat/completions", json=body)
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()


def test_wrong_type_is_a_page(simulated: Start) -> None:
    body = {"model": "echo", "messages": [{"role": "user", "content": "x"}]}
    answer = httpx.post(f"{simulated(faults=['wrong_type'])}/v1/chat/completions", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("stream", [True, False])
def test_no_usage_leaves_usage_out(simulated: Start, stream: bool) -> None:
    body = {"model": "echo", "stream": stream, "stream_options": {"include_usage": True}}
    body["messages"] = [{"role": "user", "content": "x"}]
    url = simulated()
    post = f"{url}/v1/chat/completions"
    assert "total_tokens" in httpx.post(post, json=body).text
    assert "total_tokens" not in httpx.post(post, json=body, headers={"x-simulate-fault": "no_usage"}).text
    assert "total_tokens" in httpx.post(post, json=body).text


@pytest.mark.parametrize("stream", [True, False])
def test_endless_goes_on_until_the_client_leaves(simulated: Start, stream: bool) -> None:
    url = simulated()
    made = connected(url, "endless", stream=stream)
    size = 0
    while size < 5000 if stream else size < 50:
        more = made.recv(65536)
        assert more
        assert b"[DONE]" not in more
        size += len(more)
    assert stats(url)["open"] == 1
    made.close()
    eventually(url, open=0, cancelled=1)


def test_a_reset_may_end_an_endless_stream(simulated: Start) -> None:
    data, end = received(connected(simulated(), "endless,reset@30"))
    assert (events(data), end) == (30, "reset")


@pytest.mark.parametrize("options", [{"latency_ms": 5000}, {"chunk_ms": 5000}, {"faults": "slow_head=5"}])
def test_a_client_that_leaves_is_noticed_at_once(simulated: Start, options: dict[str, Any]) -> None:
    url = simulated(**options)
    made = connected(url)
    eventually(url, calls=1, open=1)
    made.close()
    began = time.monotonic()
    eventually(url, open=0, cancelled=1)
    assert time.monotonic() - began < 0.5


def test_the_next_request_on_the_same_connection_is_answered(simulated: Start) -> None:
    url = simulated(latency_ms=1)
    body = {"model": "echo", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    with httpx.Client(base_url=url) as http:
        for _ in range(20):
            assert http.post("/v1/chat/completions", json=body).text.endswith("data: [DONE]\n\n")
    assert stats(url) == {"calls": 20, "open": 0, "cancelled": 0}


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        run_simulated("127.0.0.1", taken.getsockname()[1], Settings())
