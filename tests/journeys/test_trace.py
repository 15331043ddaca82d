"""A call can be followed: by its id, by W3C trace context, by its timing, by what the gateway says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.book import BOOK, booked
from tests.journeys.recorder import Recorder, answer, chunk, recording, stream
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT, HELLO
from tests.processes import Running, gateway

CONFIG = """
gateway:
  server_timing_header: x-debug-timing
  drain: {{announce_seconds: 0}}
models:
  - {{name: gpt, provider: openai/gpt-4o-mini, base_url: "{url}/v1", api_key: sk-x, price: {{input: 1.5, output: 6}}}}
  - {{name: gpt, provider: openai/other, base_url: "{url}/v1", api_key: sk-x}}
  - {{name: sim, provider: simulated/echo}}
pipeline:
  - use: ./book.py
  - {{use: ./prefer.py, name: prefer}}
  - {{use: request_defaults, mode: shadow, config: {{rules: [{{defaults: {{temperature: 0}}}}]}}}}
"""
PREFER = """
from hooks import hookimpl


@hookimpl
def route(plan):
    return plan.rank(lambda one: one.upstream_model != "gpt-4o-mini", why="cheap\\r\\nx-injected: yes first")
"""
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Recorder]:
    with recording() as one:
        yield one


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, upstream: Recorder) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("trace")
    (folder / "book.py").write_text(BOOK)
    (folder / "prefer.py").write_text(PREFER)
    with gateway(CONFIG.format(url=upstream.url), folder) as running:
        yield running


def ask(
    one: Running, headers: dict[str, str] | None = None, model: str = "gpt", stream: bool = False
) -> httpx.Response:
    with one.client() as client:
        return client.post(CHAT, json={**HELLO, "model": model, "stream": stream}, headers=headers)


def test_the_request_id_is_the_calls_id_and_of_our_own_making(one: Running) -> None:
    said = ask(one, {"x-request-id": "chosen-by-the-client"})
    assert re.fullmatch(r"req_[0-9a-f]{32}", said.headers["x-request-id"])
    assert eventually(lambda: [line["id"] for line in booked(one.log.parent)][-1:] == [said.headers["x-request-id"]])


def test_a_callers_trace_is_continued_to_the_provider_under_a_span_of_ours(one: Running, upstream: Recorder) -> None:
    ask(one, {"traceparent": PARENT})
    [sent] = upstream.received[-1].header("traceparent")
    version, trace, span, flags = sent.split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert re.fullmatch("[0-9a-f]{16}", span)
    assert span != "00f067aa0ba902b7"


def test_a_trace_that_is_not_sampled_stays_so(one: Running, upstream: Recorder) -> None:
    ask(one, {"traceparent": PARENT[:-2] + "00"})
    assert upstream.received[-1].header("traceparent")[0].endswith("-00")


@pytest.mark.parametrize(
    "bad",
    ["", "x", f"ff-{TRACE}-00f067aa0ba902b7-01", f"00-{'0' * 32}-00f067aa0ba902b7-01", PARENT.upper(), PARENT + "x"],
)
def test_a_traceparent_that_is_none_is_replaced_by_a_new_trace(one: Running, upstream: Recorder, bad: str) -> None:
    ask(one, {"traceparent": bad})
    [sent] = upstream.received[-1].header("traceparent")
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", sent)
    assert TRACE not in sent


def test_the_gateway_says_where_the_call_went_and_what_it_cost(one: Running) -> None:
    headers = ask(one).headers
    assert headers["x-cognitude-source"] == "provider"
    assert headers["x-cognitude-model"] == "gpt"
    assert headers["x-cognitude-attempts"] == "1"
    assert headers["x-cognitude-cost-usd"] == "0.000007500"
    assert 0 <= float(headers["x-cognitude-overhead-ms"]) < 1000


def test_a_reason_with_a_line_break_in_it_stays_one_header(one: Running) -> None:
    headers = ask(one).headers
    assert headers["x-cognitude-route"].endswith("cheap??x-injected: yes first")
    assert "x-injected" not in headers


def test_a_stream_has_the_same_headers_but_for_the_cost_that_is_not_yet_known(one: Running, upstream: Recorder) -> None:
    upstream.answer = lambda received: stream(chunk("x", "stop"))
    try:
        headers = ask(one, stream=True).headers
    finally:
        upstream.answer = lambda received: answer()
    assert headers["x-cognitude-model"] == "gpt"
    assert "x-cognitude-cost-usd" not in headers
    assert headers["content-type"].startswith("text/event-stream")


def timings(said: httpx.Response) -> dict[str, float]:
    rows = said.headers["server-timing"].split(", ")
    return {row.split(";dur=")[0]: float(row.split(";dur=")[1]) for row in rows}


@pytest.mark.parametrize("model", ["gpt", "sim"])
def test_server_timing_is_given_to_who_asks_with_the_header(one: Running, model: str) -> None:
    rows = timings(ask(one, {"x-debug-timing": "1"}, model))
    assert rows.keys() == {"book", "prefer", "request_defaults", "provider", "total"}
    assert all(milliseconds >= 0 for milliseconds in rows.values())
    assert rows["provider"] < rows["total"]


@pytest.mark.parametrize("headers", [{}, {"x-debug-timing": "0"}, {"x-debug-timing": "false"}, {"x-other": "1"}])
def test_server_timing_is_not_given_to_who_does_not_ask(one: Running, headers: dict[str, str]) -> None:
    assert "server-timing" not in ask(one, headers).headers


def test_server_timing_is_on_every_answer_where_it_is_set(tmp_path: Path) -> None:
    config = "gateway: {server_timing: true}\nmodels:\n  - {name: sim, provider: simulated/echo}\n"
    with gateway(config, tmp_path) as one:
        assert timings(ask(one, model="sim")).keys() == {"provider", "total"}
        assert timings(ask(one, model="none")).keys() == {"provider", "total"}
        assert "server-timing" in ask(one, model="sim", stream=True).headers


def test_no_header_of_a_client_gives_timing_where_none_is_configured(tmp_path: Path) -> None:
    with gateway("models:\n  - {name: sim, provider: simulated/echo}\n", tmp_path) as one:
        assert "server-timing" not in ask(one, {"server-timing": "1", "x-debug-timing": "1"}, "sim").headers


@pytest.mark.parametrize("value", ["true", "1"])
def test_a_dry_run_decides_and_calls_no_provider(one: Running, upstream: Recorder, value: str) -> None:
    before = len(upstream.received)
    said = ask(one, {"x-cognitude-dry-run": value})
    assert said.status_code == 200
    body = said.json()
    assert body["object"] == "cognitude.decision"
    assert body["id"] == said.headers["x-request-id"]
    assert body["deployments"] == ["gpt", "gpt#2"]
    assert "cheap" in body["reasons"][0]
    assert body["shadow"] == [{"plugin": "request_defaults", "stage": "pre_request", "would": "change temperature"}]
    assert said.headers["x-cognitude-source"] == "dry_run"
    assert said.headers["x-cognitude-attempts"] == "0"
    assert said.headers["x-cognitude-cost-usd"] == "0.000000000"
    assert len(upstream.received) == before


def test_a_dry_run_of_a_stream_or_an_unknown_model_is_answered_too(one: Running, upstream: Recorder) -> None:
    before = len(upstream.received)
    assert ask(one, {"x-cognitude-dry-run": "true"}, stream=True).json()["deployments"] == ["gpt", "gpt#2"]
    assert ask(one, {"x-cognitude-dry-run": "true"}, "none").status_code == 404
    assert len(upstream.received) == before
