from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.config import examine
from cognitude_plugins.gateway.models import targets
from cognitude_plugins.gateway.providers.catalog import Catalog
from cognitude_plugins.gateway.providers.provider import Timeouts
from cognitude_plugins.gateway.yamlfile import Document

FILE = """\
gateway: {timeouts: {connect: 3}}
models:
  - {name: sim, provider: simulated/echo, options: {latency_ms: 5}}
  - {name: gpt, provider: openai/gpt-4o, api_key: sk, headers: {x-a: b}, timeouts: {total: 9}}
  - {name: gpt, provider: azure/gpt-4o, if_set: AZURE, price: {input: 1.1}}
  - {name: gpt, provider: groq/llama, base_url: "http://h/v1/", transport: litellm, price: {input: 0.15, output: 0.6}}
  - {name: fast, candidates: [sim, gpt]}
  - {name: auto, candidates: [gpt, fast]}
  - {name: gone, candidates: [absent]}
  - {name: absent, provider: openai/x, if_set: NOT_SET}
  - {name: "*", provider: openrouter/anthropic/*}
  - {name: "*", provider: openai/gpt-4o-mini}
"""


def catalog(environ: dict[str, str] | None = None) -> Catalog:
    config, problems = examine(Document.parse(FILE, file="p.yaml"), environ or {})
    assert not problems
    return targets(config)


def ids(name: str, environ: dict[str, str] | None = None) -> list[str]:
    return [target.deployment.id for target in catalog(environ).find(name)]


def test_a_target_has_everything_its_entry_says() -> None:
    target = catalog().find("gpt")[0]
    assert target.deployment.upstream_model == "gpt-4o"
    assert (target.deployment.provider, target.deployment.transport) == ("openai", "direct")
    assert (target.base_url, target.api_key) == ("https://api.openai.com/v1", "sk")
    assert (target.headers, target.timeouts) == ({"x-a": "b"}, Timeouts(connect=3, total=9))


def test_only_the_direct_transport_takes_an_address_from_the_table() -> None:
    forced = catalog().find("gpt")[1]
    assert (forced.deployment.transport, forced.base_url) == ("litellm", "http://h/v1")
    assert catalog().find("sim")[0].base_url is None
    assert catalog().find("sim")[0].options == {"latency_ms": 5}


def test_deployments_of_one_model_are_numbered_as_in_the_file_whatever_if_set_leaves_out() -> None:
    assert ids("gpt") == ["gpt", "gpt#3"]
    assert ids("gpt", {"AZURE": "1"}) == ["gpt", "gpt#2", "gpt#3"]


def test_an_alias_is_its_candidates_deployments_each_once() -> None:
    assert ids("fast") == ["sim", "gpt", "gpt#3"]
    assert ids("auto") == ["gpt", "gpt#3", "sim"]


def test_an_alias_all_of_whose_candidates_are_left_out_is_left_out_too() -> None:
    assert "gone" not in catalog().models
    assert ids("gone", {"NOT_SET": "1"}) == ["absent"]


def test_the_catch_all_calls_the_model_as_the_client_did() -> None:
    first, second = catalog().find("claude-3.5")
    assert (first.deployment.id, second.deployment.id) == ("*", "*#2")
    assert (first.deployment.model, first.deployment.upstream_model) == ("claude-3.5", "anthropic/claude-3.5")
    assert second.deployment.upstream_model == "gpt-4o-mini"
    assert "*" not in catalog().models


@pytest.mark.parametrize(
    "name", ["", "..", "a/../b", "a//b", "/a", "a b", "a?b", "a#b", "a%2fb", "é", "a" * 257, "a\n"]
)
def test_the_catch_all_takes_no_name_that_could_steer_a_url(name: str) -> None:
    assert catalog().find(name) == ()


@given(st.text(max_size=30))
def test_any_name_can_be_asked_for(name: str) -> None:
    for target in catalog().find(name):
        assert not set(target.deployment.upstream_model) & set(" ?#%\\\n")


def test_aliases_of_aliases_cost_no_more_than_there_are_names() -> None:
    names = "".join(f"  - {{name: a{n}, candidates: [a{n + 1}, b{n + 1}]}}\n" for n in range(60))
    names += "".join(f"  - {{name: b{n}, candidates: [b{n + 1}, a{n + 1}]}}\n" for n in range(60))
    ends = "  - {name: a60, provider: simulated/a}\n  - {name: b60, provider: simulated/b}\n"
    config, problems = examine(Document.parse(f"models:\n{names}{ends}", file="p.yaml"), {})
    assert not problems
    assert [target.deployment.id for target in targets(config).find("a0")] == ["a60", "b60"]


def test_prices_are_by_deployment() -> None:
    prices = catalog().prices
    assert prices.keys() == {"gpt#3"}
    assert (prices["gpt#3"].input, prices["gpt#3"].cached_input) == (Decimal("0.15"), None)


def test_a_catalog_shows_no_key() -> None:
    assert "sk" not in repr(catalog().find("gpt"))
