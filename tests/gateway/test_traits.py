"""What deployments can do, of their entries and of LiteLLM's map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from cognitude_plugins.gateway.traits import TraitBook, info_problem, traits_of
from hooks import Deployment, Traits, freeze


def deployment(upstream: str = "gpt-4o", provider: str = "openai", **info: Any) -> Deployment:
    return Deployment(
        id=upstream, model=upstream, provider=provider, upstream_model=upstream, transport="direct", info=freeze(info)
    )


def test_litellms_map_knows_common_models() -> None:
    traits = TraitBook.load([deployment("gpt-4o-mini")]).of(deployment("gpt-4o-mini"))
    assert traits.context_tokens == 128_000
    assert traits.output_tokens == 16_384
    assert traits.capabilities is not None
    assert {"tools", "vision", "json_schema"} <= traits.capabilities
    assert traits.can("reasoning") is False


def test_what_the_entry_says_wins_each_member_for_itself() -> None:
    entries = {"gpt-4o": {"litellm_provider": "openai", "max_input_tokens": 100, "supports_vision": True}}
    one = deployment(context_tokens=50, capabilities=["tools"])
    assert traits_of(one, entries) == Traits(context_tokens=50, capabilities=frozenset({"tools"}))
    assert traits_of(deployment(output_tokens=7), entries) == Traits(
        context_tokens=100, output_tokens=7, capabilities=frozenset({"vision"})
    )


def test_what_nobody_knows_is_unknown() -> None:
    one = deployment("of-our-own", provider="vllm")
    assert TraitBook.load([one]).of(one) == Traits()


def test_a_catch_all_is_known_by_the_name_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_bytes(orjson.dumps({"gpt-5": {"litellm_provider": "openai", "max_input_tokens": 9}}))
    book = TraitBook.load([deployment("*")], path)
    assert book.of(deployment("gpt-5")).context_tokens == 9


def test_a_map_that_cannot_be_read_leaves_what_the_entries_say(tmp_path: Path) -> None:
    one = deployment(context_tokens=8)
    assert TraitBook.load([one], tmp_path / "none.json").of(one) == Traits(context_tokens=8)


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"context_tokens": "8k"}, "context_tokens is a whole number of tokens, at least 1, not '8k'"),
        ({"output_tokens": 0}, "output_tokens is a whole number of tokens, at least 1, not 0"),
        ({"capabilities": "tools"}, "capabilities is a list, not 'tools'"),
        ({"capabilities": ["tools", "sight"]}, "not 'sight'"),
    ],
)
def test_what_is_wrong_with_an_entry_is_named(info: dict[str, Any], said: str) -> None:
    assert said in str(info_problem(info))
    assert info_problem({"region": "eu", "context_tokens": 8, "capabilities": ["tools"]}) is None
