"""The head of an answer: nothing in it can end a line, and nobody sets what is the gateway's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.head import answer_head, printable
from cognitude_plugins.gateway.trace import Trace
from hooks import Deployment, Reply
from hooks.testing import make_call, streamed

CALL = make_call(id="req_1")


def head(reply: Reply, trace: Trace | None = None, cost: int | None = None) -> dict[bytes, bytes]:
    made = answer_head(CALL, reply, trace or Trace(), cost)
    assert len(dict(made)) == len(made), "no header comes twice"
    return dict(made)


def test_an_answer_says_where_it_comes_from() -> None:
    deployment = Deployment(id="gpt-ü", model="m", provider="p", upstream_model="u", transport="direct")
    trace = Trace()
    trace.reasons = ("cheap", "near\r\nx-evil: 1")
    reply = replace(Reply.json({}), source="provider", deployment=deployment, attempts=2)
    made = head(reply, trace, cost=1_234_567_890)
    assert made[b"x-request-id"] == b"req_1"
    assert made[b"x-cognitude-source"] == b"provider"
    assert made[b"x-cognitude-model"] == b"gpt-?"
    assert made[b"x-cognitude-attempts"] == b"2"
    assert made[b"x-cognitude-route"] == b"cheap; near??x-evil: 1"
    assert made[b"x-cognitude-cost-usd"] == b"1.234567890"
    assert made[b"content-type"] == b"application/json"


def test_an_unknown_cost_is_no_cost_header() -> None:
    assert b"x-cognitude-cost-usd" not in head(Reply.json({}))
    assert head(Reply.json({}), cost=0)[b"x-cognitude-cost-usd"] == b"0.000000000"


def test_a_stream_is_neither_cached_nor_buffered() -> None:
    made = head(streamed("x"))
    assert made[b"content-type"].startswith(b"text/event-stream")
    assert made[b"cache-control"] == b"no-cache"
    assert made[b"x-accel-buffering"] == b"no"


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding", "Connection", "X-Request-Id", "TE", "Upgrade"])
def test_what_belongs_to_the_gateway_is_not_a_plugins_to_set(name: str) -> None:
    made = head(Reply.json({}, headers={name: "evil", "x-mine": "1"}))
    assert b"evil" not in made.values()
    assert made[b"x-mine"] == b"1"


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä", "a\0"])
def test_a_header_whose_name_is_none_is_left_out(name: str) -> None:
    assert b"evil" not in head(Reply.json({}, headers={name: "evil"})).values()


@pytest.mark.parametrize("values", [("a|b", "c"), ("a", "b|"), ("|", "|"), ("a\n", "b"), ("é", "b"), ("", "")])
def test_each_value_stays_with_its_name(values: tuple[str, str]) -> None:
    made = head(Reply(headers=dict(zip("xy", values, strict=True))))
    assert (made[b"x"], made[b"y"]) == tuple(map(printable, values))


def test_reasons_are_cut_before_they_fill_a_head() -> None:
    trace = Trace()
    trace.reasons = ("x" * 5000,)
    assert len(head(Reply.json({}), trace)[b"x-cognitude-route"]) == 1024


@given(st.text(), st.dictionaries(st.text(), st.text()), st.text())
def test_no_text_ends_a_line(source: str, headers: dict[str, str], reason: str) -> None:
    trace = Trace()
    trace.timings = {}
    trace.reasons = (reason,)
    trace.spend(source, 0.1)
    made: Any = answer_head(CALL, replace(Reply.json({}, headers=headers), source=source), trace, None)
    for name, value in made:
        assert name
        assert all(32 <= byte < 127 for byte in name + value)
        assert b":" not in name


def test_printable_keeps_what_can_be_printed() -> None:
    assert printable("a b~\n\x7fé") == b"a b~???"
