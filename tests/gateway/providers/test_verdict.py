"""Every status an upstream can answer with, and what becomes of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.providers import ProviderError
from cognitude_plugins.gateway.providers.verdict import failure, judge, timed_out
from hooks import Reply

ENVELOPE = b'{"error": {"message": "no", "type": "t", "param": null, "code": "c"}, "extra": 1}'
JSON = {"content-type": "application/json"}


def refused(status: int, raw: bytes = ENVELOPE, **headers: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        judge(status, {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}, raw)
    return caught.value


def envelope_of(reply: Reply) -> dict[str, object]:
    assert reply.payload is not None
    error = json.loads(reply.payload.raw)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return dict(error)


def test_a_success_is_passed_on_byte_for_byte() -> None:
    raw = b' {"id" : 1.0}\n'
    reply = judge(201, {**JSON, "x-ratelimit-remaining": "3"}, raw)
    assert reply.status == 201
    assert reply.payload is not None
    assert reply.payload.raw == raw
    assert reply.headers == {}


@pytest.mark.parametrize("raw", [b"", b"{", b'{"id": 1', b"null", b"<html>", b"[1]", b"}", b'data: {"a": 1}'])
def test_a_success_that_is_no_whole_json_object_is_malformed(raw: bytes) -> None:
    error = refused(200, raw)
    assert (error.reason, error.reply.status, error.retryable) == ("malformed", 502, True)


def test_a_success_of_another_type_is_malformed_and_its_text_is_not_shown() -> None:
    with pytest.raises(ProviderError) as caught:
        judge(200, {"content-type": "text/html"}, b"<p>secret</p>")
    assert caught.value.reason == "malformed"
    message = str(envelope_of(caught.value.reply)["message"])
    assert "text/html" in message
    assert "secret" not in message


@pytest.mark.parametrize("status", [400, 404, 405, 409, 413, 422, 451])
def test_a_fault_of_the_client_is_returned_as_it_came(status: int) -> None:
    reply = judge(status, JSON, ENVELOPE)
    assert reply.status == status
    assert reply.payload is not None
    assert reply.payload.raw == ENVELOPE


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_a_transient_fault_may_be_tried_elsewhere_and_keeps_the_upstreams_answer(status: int) -> None:
    error = refused(status, retry_after="7", retry_after_ms="6500", x_other="1")
    assert (error.reason, error.retryable) == (f"status_{status}", True)
    assert error.reply.status == status
    assert error.reply.payload is not None
    assert error.reply.payload.raw == ENVELOPE
    assert error.reply.headers == {"retry-after": "7", "retry-after-ms": "6500"}


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_credential_of_the_gateway_is_a_502_that_quotes_nothing(status: int) -> None:
    error = refused(status, b'{"error": {"message": "Incorrect API key provided: sk-abc"}}')
    assert (error.reply.status, error.retryable) == (502, True)
    assert error.reply.headers == {"x-should-retry": "false"}
    said = envelope_of(error.reply)
    assert said["code"] == "provider_auth_error"
    assert "sk-abc" not in str(said)


@pytest.mark.parametrize("status", [301, 302, 307, 100, 199, 600, 999])
def test_what_is_no_answer_is_not_followed_and_not_tried_again(status: int) -> None:
    error = refused(status, b"")
    assert (error.reply.status, error.retryable) == (502, False)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"detail": "Not Found"}', "Not Found"),
        (b'{"error": "model is loading"}', "model is loading"),
        (b'{"message": "' + b"m" * 5000 + b'"}', "m" * 300),
        (b'{"error": null}', "404"),
        (b"<html>oops</html>", "404"),
        (b"", "404"),
        (b"[]", "404"),
    ],
)
def test_an_error_of_another_shape_is_wrapped(raw: bytes, said: str) -> None:
    message = str(envelope_of(judge(404, {}, raw))["message"])
    assert message.endswith(said)
    assert "<html>" not in message


@given(st.integers(100, 999), st.binary(max_size=60))
def test_whatever_comes_there_is_a_verdict(status: int, raw: bytes) -> None:
    try:
        reply = judge(status, {}, raw)
    except ProviderError as error:
        reply = error.reply
        assert reply.status >= 400
    if reply.status >= 400:
        assert isinstance(reply.body["error"], dict)


def test_a_failure_is_named_by_its_reason() -> None:
    error = failure("reset", "the connection broke")
    assert envelope_of(error.reply)["code"] == "provider_reset"
    assert (timed_out("answer", 0.5).reply.status, timed_out("answer", 0.5).reason) == (504, "timeout")
