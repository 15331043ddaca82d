"""Every call leaves one row, and the row, the header, the plugins' watchers and what the client got say the same."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.ledger_place import (
    ASKED,
    EVENTS,
    OTHER_KEY,
    REPORTED,
    USAGE,
    Place,
    answered,
    completed,
    placed,
)
from tests.journeys.recorder import Received, answer, chunk, recording, stream
from tests.journeys.rows import connection, journaled, row_of
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT, ask, connected, head, post, read_answer
from tests.processes import ADMIN_KEY, gateway


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("ledger")) as one:
        yield one


@pytest.fixture
def place(lasting: Place) -> Place:
    lasting.reset()
    return lasting


def said_and_cost(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("prompt_tokens", "completion_tokens", "usage_reported", "cost_nano_usd"))


def ending(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("status", "source", "complete", "error"))


@pytest.mark.parametrize("streamed", [False, True])
def test_a_call_that_ends_well(place: Place, streamed: bool) -> None:
    said, row = place.ask(stream=streamed, headers={"x-cognitude-tags": "team=search, feature=a b"}, user="ann")
    assert ending(row) == (200, "provider", True, None)
    assert said_and_cost(row) == (10, 5, True, 20_000)
    assert (row["organization"], row["user"], row["api"]) == ("default", "ann", "chat")
    assert (row["requested_model"], row["model"], row["provider"], row["deployment"]) == ("m", "m", "openai", "m")
    assert (row["stream"], row["attempts"], row["tags"]) == (
        streamed,
        1,
        {"team": "search", "feature": "a b"},
    )
    assert 0 < row["overhead_us"] <= row["latency_us"]
    assert abs(row["time_ms"] - time.time() * 1000) < 10_000
    if streamed:
        assert 0 < row["first_token_us"] <= row["latency_us"]
        assert "usage" not in said.text
    else:
        assert said.headers["x-cognitude-cost-usd"] == "0.000020000"


def test_after_a_failed_deployment_the_row_is_of_the_one_that_answered(place: Place) -> None:
    place.says(answer(503, {"error": {"message": "busy"}}))
    for streamed in (False, True):
        _, row = place.ask(stream=streamed)
        assert ending(row) == (200, "provider", True, None)
        assert (row["attempts"], row["deployment"], row["model"], row["provider"]) == (2, "m#2", "m", "groq")
        assert said_and_cost(row) == (10, 5, True, 50_000)


CUT = answer(200, completed())[:-20]
"""Shorter than its length says: the connection ends in the middle."""


def reset(received: Received) -> bytes:
    time.sleep(0.01)
    return b""


def slow(received: Received) -> bytes:
    time.sleep(1.0)
    return answer(200, completed())


@pytest.mark.parametrize(
    ("said", "status", "code", "cost"),
    [
        (answer(500, {"error": {"message": "no", "code": "oops"}}), 500, "oops", 0),
        (answer(429, {"error": {"message": "no", "code": "slow_down"}}), 429, "slow_down", 0),
        (answer(401, {"error": {"message": "no"}}), 502, "provider_auth_error", 0),
        (reset, 502, "provider_reset", None),
        (CUT, 502, "provider_reset", None),
        (slow, 504, "provider_timeout", None),
        (answer(200, b'{"choices": [{"mess'), 502, "provider_malformed", None),
        (answer(200, b"<html>", kind="text/html"), 502, "provider_malformed", None),
    ],
    ids=["500", "429", "401", "reset", "cut", "timeout", "truncated", "html"],
)
def test_what_all_attempts_cost_when_none_answered(
    place: Place, said: Any, status: int, code: str, cost: int | None
) -> None:
    place.says(said)
    answer, row = place.ask(model="one")
    assert answer.status_code == status
    assert ending(row) == (status, "error", True, code)
    assert said_and_cost(row) == (None, None, None, cost)
    assert (row["attempts"], row["deployment"], row["provider"]) == (1, "one", "openai")


def test_what_was_never_sent_costs_nothing(place: Place) -> None:
    answer, row = place.ask(model="gone")
    assert ending(row) == (502, "error", True, "provider_connect")
    assert (row["cost_nano_usd"], row["attempts"]) == (0, 1)
    assert answer.headers.get("x-cognitude-cost-usd") == "0.000000000"


def test_one_attempt_that_broke_off_makes_the_cost_of_all_unknown(place: Place) -> None:
    place.says(reset, answer(500, {"error": {"message": "no"}}))
    _, row = place.ask()
    assert (row["status"], row["attempts"], row["deployment"], row["cost_nano_usd"]) == (500, 2, "m#2", None)


def test_a_refusal_of_the_provider_is_passed_on_and_costs_nothing(place: Place) -> None:
    place.says(answer(400, {"error": {"message": "no", "code": "context_length_exceeded"}}))
    for streamed in (False, True):
        said, row = place.ask(stream=streamed)
        assert said.status_code == 400
        assert ending(row) == (400, "provider", True, "context_length_exceeded")
        assert (row["attempts"], row["cost_nano_usd"], row["prompt_tokens"]) == (1, 0, None)


def test_an_error_code_of_the_provider_cannot_be_anything(place: Place) -> None:
    place.says(answer(400, {"error": {"message": "no", "code": "x\n\u0000 <b>" + "y" * 100}}))
    _, row = place.ask()
    assert row["error"] == "x____b_" + "y" * 57


@pytest.mark.parametrize("streamed", [False, True])
def test_usage_that_is_not_reported_is_counted_and_marked(place: Place, streamed: bool) -> None:
    place.says(stream(*EVENTS) if streamed else answer(200, completed(None, "Hello there")))
    said, row = place.ask(stream=streamed)
    assert ending(row) == (200, "provider", True, None)
    assert said_and_cost(row) == (8, 2, False, 12_000)
    assert streamed or said.headers["x-cognitude-cost-usd"] == "0.000012000"


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 2**63, "completion_tokens": 1},
        {"prompt_tokens": 2**62, "completion_tokens": 2**62},
        {"prompt_tokens": 10**30, "completion_tokens": -1},
        {"prompt_tokens": "10", "completion_tokens": None},
        {"prompt_tokens": True, "completion_tokens": 1.5},
        [1],
        "much",
    ],
    ids=str,
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_usage_that_nobody_can_have_had_loses_no_row(place: Place, usage: Any, streamed: bool) -> None:
    place.says(stream(*EVENTS, {**REPORTED, "usage": usage}) if streamed else answer(200, completed(usage)))
    said, row = place.ask(stream=streamed)
    assert said.status_code == 200
    assert ending(row) == (200, "provider", True, None)
    assert 0 <= row["completion_tokens"] <= 2
    assert 0 < row["cost_nano_usd"] < 100_000


def test_a_stream_that_breaks_off_is_counted_as_far_as_it_came(place: Place) -> None:
    place.says(stream(*EVENTS, end=False))
    said, row = place.ask(stream=True)
    assert "provider_broke_off" in said.text
    assert ending(row) == (200, "provider", False, "provider_error")
    assert said_and_cost(row) == (8, 2, False, 12_000)


def test_a_stream_that_breaks_off_behind_its_usage_has_a_reported_one(place: Place) -> None:
    place.says(stream(*EVENTS, REPORTED, end=False))
    _, row = place.ask(stream=True)
    assert ending(row) == (200, "provider", False, "provider_error")
    assert said_and_cost(row) == (10, 5, True, 20_000)


def test_a_malformed_event_does_not_spoil_the_row(place: Place) -> None:
    parts = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in EVENTS]
    raw = b"".join([parts[0], b'data: {"choices": [{"de\n\n', parts[1], b"data: [DONE]\n\n"])
    place.says(answer(200, raw, kind="text/event-stream"))
    _, row = place.ask(stream=True)
    assert (row["status"], row["completion_tokens"], row["usage_reported"]) == (200, 2, False)


def test_a_stream_of_which_nothing_came_is_a_failed_attempt(place: Place) -> None:
    place.says(stream(end=False))
    _, row = place.ask(model="one", stream=True)
    assert (row["status"], row["source"], row["cost_nano_usd"]) == (502, "error", None)


@pytest.mark.parametrize("streamed", [False, True])
def test_an_early_answer_of_a_plugin_costs_nothing(place: Place, streamed: bool) -> None:
    _, row = place.ask("early", stream=streamed)
    assert ending(row) == (200, "deeds", True, None)
    assert said_and_cost(row) == (70, 7, True, 0)
    assert (row["attempts"], row["deployment"], row["model"]) == (0, None, "m")
    assert (row["cache_key"], row["saved_nano_usd"], row["complexity"]) == ("digest", 5, "easy")
    assert place.first.received == []


@pytest.mark.parametrize("streamed", [False, True])
def test_what_was_paid_for_stands_whatever_a_plugin_makes_of_it(place: Place, streamed: bool) -> None:
    _, row = place.ask("map", stream=streamed)
    assert said_and_cost(row) == (10, 5, True, 20_000)
    _, row = place.ask("drop usage", stream=streamed)
    assert ending(row) == (200, "provider", True, None)
    assert said_and_cost(row) == (10, 5, True, 20_000)


def test_an_answer_put_in_place_of_the_providers_whole_one_costs_what_that_did(place: Place) -> None:
    for deed in ("replace", "replace by stream"):
        _, row = place.ask(deed)
        assert ending(row) == (200, "deeds", True, None)
        assert said_and_cost(row) == (10, 5, True, 20_000)
        assert (row["deployment"], row["attempts"]) == ("m", 1)


def test_also_when_the_provider_did_not_say_what_it_used(place: Place) -> None:
    """What the plugin's own stream reports is not what was paid for."""
    place.says(answer(200, completed(None, "Hello there")))
    for deed in ("replace", "replace by stream"):
        _, row = place.ask(deed)
        assert said_and_cost(row) == (8, 2, False, 12_000)


def test_a_stream_that_a_plugin_did_not_want_costs_nobody_knows_what(place: Place) -> None:
    _, row = place.ask("replace", stream=True)
    assert ending(row) == (200, "deeds", True, None)
    assert said_and_cost(row) == (None, None, None, None)
    _, row = place.ask("replace by stream", stream=True)
    assert said_and_cost(row) == (None, None, None, None)


def test_a_stream_that_a_plugin_ends_is_counted_as_far_as_it_was_read(place: Place) -> None:
    def one_by_one(received: Received) -> bytes:
        return stream(*[chunk("word ") for _ in range(4)], REPORTED)

    place.says(one_by_one)
    _, row = place.ask("cut", stream=True)
    assert (row["status"], row["complete"]) == (200, True)
    assert row["prompt_tokens"] >= 8
    assert row["cost_nano_usd"] > 0


def test_a_plugin_that_rejects_does_not_make_it_cheaper(place: Place) -> None:
    said, row = place.ask("reject")
    assert said.status_code == 500
    assert ending(row) == (500, "error", False, "plugin_error")
    assert said_and_cost(row) == (10, 5, True, 20_000)
    assert said.headers["x-cognitude-cost-usd"] == "0.000020000"
    said, row = place.ask("reject", stream=True)
    assert "plugin_failed" in said.text
    assert ending(row) == (200, "provider", False, "plugin_error")
    assert row["cost_nano_usd"] > 0


def test_a_call_of_a_plugins_own_has_a_row_of_its_own(place: Place) -> None:
    before = len(journaled(place.folder))
    _, row = place.ask("serve", user="ann")
    assert ending(row) == (200, "provider", True, None)
    assert said_and_cost(row) == (10, 5, True, 20_000)
    inner, outer = journaled(place.folder)[before:]
    assert outer == row
    assert inner["id"] != row["id"]
    assert (inner["organization"], inner["key"], inner["user"]) == (row["organization"], row["key"], "ann")
    assert inner["cost_nano_usd"] == 10 * 2500 + 5 * 10_000 + 500_000
    place.ids.append(inner["id"])


def test_a_model_that_a_plugin_chose_stands_beside_the_one_that_was_asked_for(place: Place) -> None:
    _, row = place.ask("other model")
    assert (row["requested_model"], row["model"], row["deployment"]) == ("m", "dear", "dear")


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (USAGE, 10 * 2500 + 5 * 10_000),
        ({**USAGE, "prompt_tokens": 1000}, 1000 * 2500 + 5 * 10_000),
        ({**USAGE, "prompt_tokens": 1001}, 1001 * 5000 + 5 * 15_000),
        (
            {"prompt_tokens": 900, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 600},
             "completion_tokens_details": {"reasoning_tokens": 30}},
            300 * 2500 + 600 * 1250 + 20 * 10_000 + 30 * 12_000,
        ),
        (
            {"prompt_tokens": 2000, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 600},
             "completion_tokens_details": {"reasoning_tokens": 30}},
            1400 * 5000 + 600 * 2500 + 20 * 15_000 + 30 * 12_000,
        ),
        (
            {"input_tokens": 100, "output_tokens": 5, "cache_read_input_tokens": 200,
             "cache_creation_input_tokens": 400},
            100 * 2500 + 200 * 1250 + 400 * 3125 + 5 * 10_000,
        ),
    ],
    ids=["plain", "below the tier", "tier", "parts", "parts in the tier", "written"],
)  # fmt: skip
@pytest.mark.parametrize("streamed", [False, True])
def test_prices_of_the_file_in_every_part(place: Place, usage: dict[str, Any], cost: int, streamed: bool) -> None:
    place.says(stream(*EVENTS, {**REPORTED, "usage": usage}) if streamed else answer(200, completed(usage)))
    said, row = place.ask(model="dear", stream=streamed)
    assert row["cost_nano_usd"] == cost + 500_000
    if not streamed:
        assert said.headers["x-cognitude-cost-usd"] == f"0.{cost + 500_000:09d}"


def test_an_unknown_price_is_null(place: Place) -> None:
    said, row = place.ask(model="unpriced")
    assert said_and_cost(row) == (10, 5, True, None)
    assert "x-cognitude-cost-usd" not in said.headers


def test_several_choices_are_counted_together(place: Place) -> None:
    choices = [
        {"index": index, "message": {"role": "assistant", "content": "Hello there"}, "finish_reason": "stop"}
        for index in range(3)
    ]
    place.says(answer(200, completed(None, choices=choices)))
    _, row = place.ask(n=3)
    assert said_and_cost(row) == (8, 6, False, 20_000)
    events = [{**chunk("Hello there"), "choices": [{"index": index, "delta": {"content": "Hello there"}}]} for index in
              range(3)]  # fmt: skip
    place.says(stream(*events))
    _, row = place.ask(n=3, stream=True)
    assert said_and_cost(row) == (8, 6, False, 20_000)


@pytest.mark.parametrize("usage", [{"prompt_tokens": 10, "total_tokens": 10}, None])
def test_embeddings(place: Place, usage: Any) -> None:
    body = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}], "model": "r"}
    place.says(answer(200, body if usage is None else {**body, "usage": usage}))
    _, row = place.ask(path="/v1/embeddings", model="m", input=["Hello there", "word"])
    assert (row["api"], row["stream"]) == ("embeddings", False)
    assert said_and_cost(row) == ((3, 0, False, 3000) if usage is None else (10, 0, True, 10_000))


def test_completions(place: Place) -> None:
    body = {"object": "text_completion", "choices": [{"index": 0, "text": "Hello there", "finish_reason": "stop"}]}
    place.says(answer(200, body))
    _, row = place.ask(path="/v1/completions", model="m", prompt="Hello there")
    assert (row["api"], *said_and_cost(row)) == ("completions", 2, 2, False, 6000)
    place.says(stream(body, {**body, "choices": [], "usage": USAGE}))
    _, row = place.ask(path="/v1/completions", model="m", prompt="Hello there", stream=True)
    assert (row["api"], *said_and_cost(row)) == ("completions", 10, 5, True, 20_000)


@pytest.mark.parametrize(
    "messages",
    [
        [1, None, [], "x"],
        [{"role": 5, "content": {"a": ["b"]}, "name": 7}],
        [{"role": "user", "content": [{"type": "text"}, {"type": "image_url", "image_url": 5}, None]}],
        [{"role": "user", "content": "\u0000\u2028\U0001f600<|endoftext|><|im_start|>"}],
        [{"role": "assistant", "tool_calls": [{"function": None}, 5], "content": None}],
    ],
    ids=["scalars", "objects", "parts", "characters", "tools"],
)
def test_a_prompt_in_no_shape_is_counted_all_the_same(place: Place, messages: Any) -> None:
    place.says(answer(200, completed(None, choices=[{"message": {"content": ["x", 5]}}, 7])))
    tools = [{"function": {"name": 5}}, 7, {"type": "function", "function": {"name": "f", "parameters": [1]}}]
    said, row = place.ask(messages=messages, tools=tools)
    assert said.status_code == 200
    assert row["usage_reported"] is False
    assert row["prompt_tokens"] >= 3


@pytest.mark.parametrize(
    ("tags", "status"), [("a=1,b=2", 200), ("a", 400), ("a=1,a=2", 400), ("a=\u00fc", 400), (" , ", 200)]
)
def test_tags_that_are_wrong_are_refused_and_the_refusal_has_a_row(place: Place, tags: str, status: int) -> None:
    raw = post({**ASKED}, headers={"x-cognitude-tags": tags, "content-type": "application/json"})
    said = ask(place.one.url, raw)
    row = place.row(said.headers["x-request-id"])
    assert (said.status, row["status"]) == (status, status)
    assert (status == 200) == (row["error"] is None)
    assert (row["cost_nano_usd"], len(place.first.received)) == ((20_000, 1) if status == 200 else (0, 0))


@pytest.mark.parametrize(
    ("raw", "headers", "status", "code"),
    [
        (b"{", {}, 400, "invalid_json"),
        (b"[]", {}, 400, "invalid_json"),
        (b'{"model": "m"}', {}, 400, "missing_required_parameter"),
        (b'{"model": 5, "messages": []}', {}, 400, "invalid_value"),
        (b"{" + b" " * 70_000 + b"}", {}, 413, "request_too_large"),
        (b"{}", {"content-type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {"content-encoding": "br"}, 415, "unsupported_media_type"),
        (b"{}", {"content-encoding": "gzip"}, 400, "invalid_body"),
    ],
    ids=["half", "list", "no messages", "number", "large", "text", "br", "no gzip"],
)
def test_a_body_that_is_refused_has_a_row(
    place: Place, raw: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    said = ask(place.one.url, post(raw, headers=headers))
    row = place.row(said.headers["x-request-id"])
    assert said.status == status
    assert ending(row) == (status, "error", True, code)
    assert (row["organization"], row["cost_nano_usd"], row["attempts"], row["api"]) == ("default", 0, 0, "chat")


def test_a_model_that_nobody_has_is_no_name_for_the_sums(place: Place) -> None:
    _, row = place.ask(model="nobodys-" + "x" * 300)
    assert ending(row) == (404, "error", True, "model_not_found")
    assert (row["requested_model"], row["model"], row["cost_nano_usd"]) == ("nobodys-" + "x" * 248, "", 0)


def test_a_body_that_does_not_arrive_has_a_row(place: Place) -> None:
    with connected(place.one.url) as wire:
        wire.sendall(head(length=100) + b'{"model"')
        said = read_answer(wire)
    row = place.row(said.headers["x-request-id"])
    assert (said.status, *ending(row)) == (408, 408, "error", True, "request_timeout")


def test_a_client_that_leaves_in_the_middle_of_its_body_has_a_row(place: Place) -> None:
    before = len(journaled(place.folder))
    with connected(place.one.url) as wire:
        wire.sendall(head(length=100) + b'{"model"')
        time.sleep(0.1)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    row = place.new_row(before)
    assert ending(row) == (499, "error", False, "client_disconnect")
    assert row["cost_nano_usd"] == 0


def test_a_client_that_leaves_before_the_answer_has_a_row_of_unknown_cost(place: Place) -> None:
    place.says(slow)
    before = len(journaled(place.folder))
    with connected(place.one.url) as wire:
        wire.sendall(post(ASKED))
        assert eventually(lambda: len(place.first.received) == 1)
    row = place.new_row(before)
    assert ending(row) == (499, "error", False, "client_disconnect")
    assert (row["cost_nano_usd"], row["requested_model"], row["model"]) == (None, "m", "m")


@pytest.mark.parametrize("body", [ASKED, {"model": "m"}, {**ASKED, "model": "nobodys"}], ids=["good", "bad", "unknown"])
def test_a_dry_run_leaves_no_row(place: Place, body: dict[str, Any]) -> None:
    before = len(journaled(place.folder))
    ask(place.one.url, post(body, headers={"x-cognitude-dry-run": "true"}))
    assert len(journaled(place.folder)) == before


def test_the_user_of_a_request_is_the_one_that_its_key_is_bound_to(place: Place) -> None:
    with place.one.client(key=ADMIN_KEY) as admin:
        organization = admin.post("/admin/organizations", json={"name": "Initech"}).json()["id"]
        of = {"organization": organization}
        user = admin.post("/admin/users", params=of, json={"name": "bob", "role": "member"})
        key = admin.post("/admin/keys", params=of, json={"user": "bob"})
    assert (user.status_code, key.status_code) == (201, 201), (user.text, key.text)
    _, row = place.ask(user="ann", key=key.json()["secret"])
    assert (row["organization"], row["user"]) == (organization, "bob")
    _, row = place.ask(user="x" * 1000, key=OTHER_KEY)
    assert (row["organization"], row["key"], row["user"]) == ("globex", "other", "x" * 256)
    for user_field in (5, "", None, ["a"]):
        _, row = place.ask(user=user_field, key=OTHER_KEY)
        assert row["user"] is None


CATCH_ALL = """
gateway: {{require_price: true, {drain}}}
models:
  - {{name: "*", provider: "openai/*", base_url: "{url}/v1", api_key: sk-first-key}}
  - {{name: nobodys, provider: openai/nobodys-model, base_url: "{url}/v1", api_key: sk-first-key}}
  - {{name: mixed, provider: openai/nobodys-model, base_url: "{url}/v1", api_key: sk-first-key}}
  - {{name: mixed, provider: openai/also-nobodys, base_url: "{url}/v1", api_key: sk-first-key, price: {{input: 1}}}}
"""


def test_with_require_price_only_what_has_a_price_is_called(tmp_path: Path) -> None:
    with recording(answered) as upstream:
        config = CATCH_ALL.format(url=upstream.url, drain="drain: {announce_seconds: 0}")
        with gateway(config, tmp_path) as one, one.client() as client:
            rows = {}
            for model in ("gpt-4o-mini", "gpt-nobodys", "nobodys", "mixed"):
                said = client.post(CHAT, json={**ASKED, "model": model})
                rows[model] = row_of(tmp_path, said.headers["x-request-id"])
            assert one.stop() == 0
    assert [ending(rows[model]) for model in ("gpt-nobodys", "nobodys")] == [(400, "error", True, "unpriced_model")] * 2
    assert {rows[model]["cost_nano_usd"] for model in ("gpt-nobodys", "nobodys")} == {0}
    assert (rows["gpt-4o-mini"]["cost_nano_usd"], rows["gpt-4o-mini"]["deployment"]) == (10 * 150 + 5 * 600, "*")
    assert (rows["mixed"]["cost_nano_usd"], rows["mixed"]["deployment"]) == (10_000, "mixed#2")
    assert [received.json["model"] for received in upstream.received] == ["gpt-4o-mini", "also-nobodys"]


def test_a_row_says_what_the_watchers_were_told_and_goes_into_the_database_as_it_is(place: Place) -> None:
    """Of these calls, and of all that the tests above have made."""
    for deed, streamed in ((None, False), (None, True), ("early", True), ("reject", False), ("cut", True)):
        place.ask(deed, stream=streamed)
    assert eventually(lambda: place.ids[-1] in place.outcomes()), "watchers are told when the answer has ended"
    outcomes, compared = place.outcomes(), 0
    for id in place.ids:
        row = row_of(place.folder, id)
        told = outcomes.get(id)
        if told is None:
            assert row["attempts"] == 0
            continue
        assert len(told) == 1
        names = ("complete", "status", "source", "deployment", "cost_nano_usd", "attempts")
        assert {name: told[0][name] for name in names} == {name: row[name] for name in names}
        tokens = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "usage_reported")
        assert told[0]["usage"] == (None if row["prompt_tokens"] is None else [row[name] for name in tokens])
        if not row["complete"]:
            assert told[0]["error"] == row["error"]
        compared += 1
    assert compared >= 5
    rows = journaled(place.folder)
    with closing(connection(place.folder)) as database:
        asked = "SELECT count(*) AS calls FROM ledger_call"
        assert eventually(lambda: database.execute(asked).fetchone()["calls"] == len(rows))
        stored = {row["id"]: row for row in database.execute("SELECT * FROM ledger_call")}
        summed = database.execute("SELECT sum(calls) AS calls FROM ledger_day").fetchone()
    assert summed["calls"] == len(rows) == len(stored)
    assert {id: {**row, "tags": json.loads(row["tags"])} for id, row in stored.items()} == {
        row["id"]: row for row in rows
    }
