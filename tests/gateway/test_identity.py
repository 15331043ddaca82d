"""Who is calling when the app behind checks the key: two that may be two are never one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.identity import caller_of
from hooks import Caller

BASE = [(b"host", b"h"), (b"user-agent", b"OpenAI/Python"), (b"content-type", b"application/json")]


def caller(*headers: tuple[bytes, bytes], **scope: Any) -> Caller:
    return caller_of({"type": "http", "headers": [*BASE, *headers], "client": ("192.0.2.1", 4), **scope})


def test_a_request_that_says_nothing_of_its_sender_is_anonymous() -> None:
    assert caller() == Caller(organization="anonymous", key="anonymous", address="192.0.2.1")
    assert caller(client=None).address == ""


def test_the_same_credential_is_the_same_caller_from_anywhere() -> None:
    key = (b"authorization", b"Bearer sk-1")
    one, other = caller(key), caller(key, client=("192.0.2.9", 1))
    assert (one.organization, one.key) == (other.organization, other.key)
    assert "sk-1" not in repr(one)


@pytest.mark.parametrize("name", ["user-agent", "x-request-id", "accept", "x-stainless-retry-count", "idempotency-key"])
def test_what_changes_with_every_request_or_program_makes_no_other_caller(name: str) -> None:
    key = (b"authorization", b"Bearer sk-1")
    assert caller(key, (name.encode(), b"a")).key == caller(key, (name.encode(), b"b")).key


NAMES = """
authorization proxy-authorization x-api-key api-key x-goog-api-key x-litellm-api-key ocp-apim-subscription-key cookie
x-auth-token x-company-token x-forwarded-user x-remote-user x-auth-request-email cf-access-jwt-assertion
x-amzn-oidc-identity openai-organization openai-project x-tenant-id x-forwarded-client-cert x-session-id
x-openwebui-user-id x-client-id x-signature
"""


@pytest.mark.parametrize("name", NAMES.split())
def test_a_header_that_may_say_who_it_is_makes_another_caller(name: str) -> None:
    key = (b"authorization", b"Bearer shared")
    first, second = (caller(key, (name.encode(), value)) for value in (b"a", b"b"))
    assert len({first.organization, second.organization, caller(key).organization}) == 3


def test_a_key_in_the_query_string_counts() -> None:
    assert caller(query_string=b"key=a").organization != caller(query_string=b"key=b").organization


@given(st.lists(st.binary(min_size=1).filter(lambda one: b"\0" not in one), min_size=2, max_size=2, unique=True))
def test_two_keys_are_two_callers(keys: list[bytes]) -> None:
    one, other = (caller((b"authorization", b"Bearer " + key)) for key in keys)
    assert one.organization != other.organization
