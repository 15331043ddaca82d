"""A call's row: every column, from what is known at its end."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.entry import entry
from cognitude_plugins.gateway.ledger.records import parse
from cognitude_plugins.gateway.ledger.row import COLUMNS, Row
from cognitude_plugins.gateway.trace import Trace
from hooks import Decision, Deployment, Reply, Usage
from hooks.testing import make_call

SMALL = Deployment(id="small#2", model="small", provider="openai", upstream_model="s-1", transport="direct")


def made(**changes: Any) -> Row:
    values = {
        "call": make_call({"model": "auto", "messages": []}, organization="acme", key="k", user="u"),
        "requested_model": "auto",
        "known_model": True,
        "reply": Reply(status=200, source="provider", deployment=SMALL),
        "trace": Trace(),
        "gone": None,
        "usage": Usage(prompt_tokens=9, completion_tokens=3, cached_tokens=2, cache_write_tokens=1, reasoning_tokens=1),
        "cost_nano_usd": 1234,
        "tags": {"team": "search"},
    }
    return Row.decode(orjson.dumps(entry(**{**values, **changes})))


def test_every_column_is_written() -> None:
    row = entry(
        call=make_call(),
        requested_model="",
        known_model=False,
        reply=Reply(),
        trace=Trace(),
        gone=None,
        usage=None,
        cost_nano_usd=None,
        tags={},
    )
    assert tuple(row) == COLUMNS


def test_a_row_says_who_asked_what_answered_and_what_it_cost() -> None:
    row = made()
    assert (row.organization, row.key, row.user, row.api) == ("acme", "k", "u", "chat")
    assert (row.requested_model, row.model, row.provider, row.deployment) == ("auto", "small", "openai", "small#2")
    assert (row.prompt_tokens, row.completion_tokens, row.cached_tokens) == (9, 3, 2)
    assert (row.cache_write_tokens, row.reasoning_tokens, row.usage_reported) == (1, 1, True)
    assert (row.cost_nano_usd, row.tags, row.complete, row.error) == (1234, {"team": "search"}, True, None)


def test_what_is_not_known_is_null_and_not_zero() -> None:
    row = made(usage=None, cost_nano_usd=None)
    assert (row.prompt_tokens, row.completion_tokens, row.usage_reported, row.cost_nano_usd) == (None, None, None, None)


def test_without_a_deployment_only_the_gateways_own_names_become_a_model() -> None:
    refused = Reply.error(404, "no", code="model_not_found")
    assert made(reply=refused, known_model=False, requested_model="x" * 999).model == ""
    assert made(reply=refused, known_model=False, requested_model="x" * 999).requested_model == "x" * 256
    assert made(reply=refused).model == "auto"


def test_an_error_is_a_word_to_group_by() -> None:
    assert made(reply=Reply.error(429, "slow down", code="rate_limited")).error == "rate_limited"
    assert made(reply=Reply.error(400, "secret words")).error == "status_400"
    assert made(reply=Reply.error(400, "no", code="it is\nin here")).error == "it_is_in_here"
    assert made(reply=Reply.error(400, "no", code="c"), gone="client_disconnect").error == "client_disconnect"


def test_a_call_whose_client_left_is_not_complete() -> None:
    assert made(gone="client_disconnect").complete is False


def test_what_plugins_noted_down_is_in_the_row() -> None:
    call = make_call()
    call.record(complexity="simple", saved_nano_usd=5)
    call.record(cache_key="abc", saved_nano_usd=6)
    row = made(call=call)
    assert (row.complexity, row.cache_key, row.saved_nano_usd) == ("simple", "abc", 11)


def test_routers_reasons_and_shadow_decisions_are_in_the_row() -> None:
    trace = Trace()
    trace.reasons = ("cheapest", "in the EU")
    trace.decisions.append(Decision(plugin="limiter", stage="pre_request", would="answer 429"))
    row = made(trace=trace)
    assert row.route == "cheapest; in the EU"
    assert row.decisions == "limiter pre_request: answer 429"


def test_what_plugins_say_of_the_way_stands_behind_the_routers_reasons() -> None:
    call, trace = make_call(), Trace()
    call.record(reason="coalesced")
    assert made(call=call).route == "coalesced"
    trace.reasons = ("cheapest",)
    call.record(reason="twice")
    assert made(call=call, trace=trace).route == "cheapest; coalesced; twice"
    call.state["ledger"]["reasons"] = "odd"
    assert made(call=call).route is None


def test_overhead_is_what_the_provider_did_not_take() -> None:
    trace = Trace()
    trace.started -= 2.0
    trace.provider_seconds = 1.5
    row = made(trace=trace)
    assert 2_000_000 <= row.latency_us < 2_500_000
    assert 500_000 <= row.overhead_us < 1_000_000


@pytest.mark.parametrize("saved", [1.5, "5", True, 2**60, 2**70, -(2**60), float("nan"), None])
def test_of_a_note_that_no_row_can_have_only_that_is_left_out(saved: Any) -> None:
    call = make_call()
    call.state["ledger"] = {"saved_nano_usd": saved, "complexity": "a\ud800b", "cache_key": 7}
    row = made(call=call)
    assert (row.saved_nano_usd, row.complexity, row.cache_key) == (0, "a?b", None)
    assert row.cost_nano_usd == 1234


def test_a_note_that_is_left_out_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    class Odd: ...

    call = make_call()
    call.state["ledger"] = {"cache_key": Odd()}
    for _ in range(3):
        made(call=call)
    assert [one.getMessage() for one in caplog.records if "Odd" in one.getMessage()] == [
        "a plugin's note for the ledger is left out of the rows: cache_key is of type Odd or too large"
    ]


def test_a_cost_that_the_sums_could_not_hold_is_not_known() -> None:
    assert made(cost_nano_usd=2**53).cost_nano_usd == 2**53
    assert made(cost_nano_usd=2**53 + 1).cost_nano_usd is None


TEXTS = st.text(st.characters(), max_size=5) | st.text(st.sampled_from("a\0\ud800\udc00\u20ac"), max_size=300)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.binary(max_size=3) | st.just(object()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
)
NOTES = st.dictionaries(st.sampled_from(["saved_nano_usd", "complexity", "cache_key", "other"]), ANYTHING)


@given(
    told=ANYTHING | NOTES,
    texts=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS),
    cost=st.none() | st.integers(min_value=0),
    known=st.booleans(),
    deployed=st.booleans(),
)
def test_whatever_there_is_to_say_of_a_call_its_row_can_be_stored(
    told: Any, texts: tuple[str, ...], cost: int | None, known: bool, deployed: bool
) -> None:
    organization, key, user, model, reason = texts
    call = make_call({"model": "m"}, organization=organization, key=key, user=user)
    call.state["ledger"] = told
    trace = Trace()
    trace.reasons = (reason,)
    trace.decisions.append(Decision(plugin=reason, stage="route", would=reason))
    row = entry(
        call=call,
        requested_model=model,
        known_model=known,
        reply=Reply(source=reason, deployment=SMALL if deployed else None),
        trace=trace,
        gone=None,
        usage=Usage(prompt_tokens=3 * 2**31),
        cost_nano_usd=cost,
        tags={},
    )
    parse(orjson.dumps(row))


def test_each_attempt_is_in_the_row_and_no_more_of_them_than_fit() -> None:
    assert made().tried is None
    trace = Trace()
    trace.note("small", "status_503", 0.0124)
    trace.note("small#2", "ok", 1.5)
    assert made(trace=trace).tried == "small status_503 12; small#2 ok 1500"
    for _ in range(500):
        trace.note("x" * 300, "connect", 0.0)
    text = made(trace=trace).tried
    assert text is not None
    assert len(text) == 1024
