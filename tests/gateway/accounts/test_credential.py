"""An organization's key in place of the gateway's: what goes with it, and what of the operator's stays behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cognitude_plugins.gateway.accounts.credential import Credential, own
from cognitude_plugins.gateway.providers import ProviderError, Target
from hooks import Deployment

KEY = "sk-organizations-own"


def target(transport: Any = "direct", **fields: Any) -> Target:
    deployment = Deployment(id="m", model="m", provider="openai", upstream_model="gpt", transport=transport)
    given = {"base_url": "https://api.openai.com/v1", "api_key": "sk-operators", **fields}
    return Target(deployment=deployment, **given)


def credential(**fields: Any) -> Credential:
    return Credential(**{"organization": "acme", "provider": "openai", "api_key": KEY, **fields})


def test_the_key_is_the_organizations_and_the_rest_is_as_configured() -> None:
    before = target(headers={"X-Region": "eu"}, options={"query": {"api-version": "1"}, "temperature": 0})
    made = own(before, credential())
    assert (made.api_key, made.owner, made.guarded) == (KEY, "acme", False)
    assert made.base_url == before.base_url
    assert made.headers == {"X-Region": "eu"}
    assert made.options == {"query": {"api-version": "1"}, "temperature": 0}
    assert (made.deployment, made.timeouts) == (before.deployment, before.timeouts)


SECRETIVE = ["Authorization", "authorization", "api-key", "X-API-Key", "Proxy-Authorization", "x-goog-api-key"]
SECRETIVE += ["Cookie", "X-Auth-Token", "OpenAI-Organization", "openai-project", "Ocp-Apim-Subscription-Key"]


@pytest.mark.parametrize("name", SECRETIVE)
def test_what_the_operator_authorises_with_is_not_sent_with_an_organizations_key(name: str) -> None:
    made = own(target(headers={name: "operators", "X-Kept": "1"}), credential())
    assert made.headers == {"X-Kept": "1"}
    assert made.api_key == KEY


@pytest.mark.parametrize("name", ["api-key", "X-API-Key"])
def test_where_the_operators_key_is_in_a_header_the_organizations_is_too(name: str) -> None:
    made = own(target(api_key=None, headers={name: "operators"}), credential())
    assert (made.api_key, made.headers) == (None, {name: KEY})
    translated = own(target("litellm", api_key=None, headers={name: "operators"}), credential())
    assert (translated.api_key, translated.headers) == (KEY, {})


def test_an_option_or_a_query_that_authorises_stays_behind() -> None:
    secret = ("aws_access_key_id", "aws_secret_access_key", "aws_profile_name", "azure_ad_token", "client_secret")
    kept = {"max_tokens": 5, "max_completion_tokens": 5, "aws_region_name": "eu", "api_version": "1"}
    made = own(target("litellm", options={**dict.fromkeys(secret, "operators"), **kept}), credential())
    assert made.options == kept
    queried = own(target(options={"query": {"key": "operators", "token": "operators", "v": "1"}}), credential())
    assert queried.options == {"query": {"v": "1"}}


def test_to_an_address_of_its_own_nothing_of_the_operators_goes() -> None:
    operators = target(headers={"X-Region": "eu"}, options={"query": {"v": "1"}})
    made = own(operators, credential(base_url="https://llm.acme.example/v1"))
    assert made.base_url == "https://llm.acme.example/v1"
    assert (made.api_key, made.owner, made.guarded) == (KEY, "acme", True)
    assert (made.headers, made.options) == ({}, {})


def test_an_address_of_its_own_is_not_for_what_cannot_be_guarded() -> None:
    with pytest.raises(ProviderError) as caught:
        own(target("litellm"), credential(base_url="https://llm.acme.example/v1"))
    assert caught.value.reason == "credential"


def test_a_key_that_cannot_be_opened_fails_the_call_and_is_not_replaced_by_the_gateways() -> None:
    for transport in ("direct", "litellm"):
        with pytest.raises(ProviderError) as caught:
            own(target(transport), credential(api_key=None))
        assert (caught.value.reason, caught.value.retryable) == ("credential", True)
        assert "sk-" not in json.dumps(caught.value.reply.body)


@pytest.mark.parametrize("transport", ["simulated", "asgi", "inner"])
def test_what_stays_on_this_machine_needs_no_key(transport: str) -> None:
    before = target(transport)
    assert own(before, credential()) is before
    assert own(before, credential(api_key=None)) is before


def test_no_key_is_shown() -> None:
    made = own(target(), credential())
    for shown in (repr(credential()), str(credential()), repr(made), f"{made}"):
        assert "sk-" not in shown
