"""Entries of the map, written for the purpose; what the installed map says is tested with the worked examples."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.gateway.prices import Price
from cognitude_plugins.gateway.prices.price_map import price_map_path, price_of, read_map
from hooks import Usage

PLAIN = {"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}


def priced(**fields: Any) -> Price:
    price = price_of({**PLAIN, **fields}, "p", "m")
    assert price is not None
    return price


def test_where_reasoning_costs_as_output_it_does_so_for_long_prompts_too() -> None:
    above = {"input_cost_per_token_above_128k_tokens": 2e-06, "output_cost_per_token_above_128k_tokens": 4e-06}
    thought = Usage(prompt_tokens=128_001, completion_tokens=10, reasoning_tokens=10)
    assert priced(**above, output_cost_per_reasoning_token=2e-06).cost(thought) == 256_002_000 + 40_000
    assert priced(**above, output_cost_per_reasoning_token=3e-06).cost(thought) == 256_002_000 + 30_000


@pytest.mark.parametrize("thousands", [128, 200, 272, 512])
def test_a_long_prompt_s_prices_are_those_of_the_map_for_all_kinds_of_tokens(thousands: int) -> None:
    tier = f"_above_{thousands}k_tokens"
    price = priced(
        **{
            "cache_read_input_token_cost": 1e-07,
            "cache_creation_input_token_cost": 1.25e-06,
            f"input_cost_per_token{tier}": 2e-06,
            f"output_cost_per_token{tier}": 3e-06,
            f"cache_read_input_token_cost{tier}": 2e-07,
            f"cache_creation_input_token_cost{tier}": 2.5e-06,
        }
    )
    at = thousands * 1000
    usage = {"cached_tokens": 1000, "cache_write_tokens": 1000, "completion_tokens": 1000}
    # 1 + 0.1 + 1.25 + 2 and 2 + 0.2 + 2.5 + 3 thousandths of a dollar per thousand tokens of each kind.
    assert price.cost(Usage(prompt_tokens=at, **usage)) == (at - 2000) * 1000 + 100_000 + 1_250_000 + 2_000_000
    assert price.cost(Usage(prompt_tokens=at + 1, **usage)) == (at - 1999) * 2000 + 200_000 + 2_500_000 + 3_000_000


def test_a_price_per_request_is_added_to_every_call() -> None:
    price = price_of({**PLAIN, "input_cost_per_request": 0.005}, "p", "m")
    assert price is not None
    assert price.cost(Usage(prompt_tokens=1)) == 5_000_000 + 1_000
    only = price_of({"input_cost_per_token": 0, "output_cost_per_token": 0, "input_cost_per_request": 0.005}, "p", "m")
    assert only is not None
    assert only.cost(Usage(prompt_tokens=9)) == 5_000_000


@pytest.mark.parametrize(
    ("provider", "model", "fields"),
    [
        ("perplexity", "sonar", {"search_context_cost_per_query": {"search_context_size_low": 0.005}}),
        ("openai", "gpt-4o-search-preview", {}),
        ("openai", "o3-deep-research", {}),
        ("p", "m", {"input_cost_per_token": None}),
        ("p", "m", {"input_cost_per_token": -1e-06}),
        ("p", "m", {"input_cost_per_token": "much"}),
        ("p", "m", {"off_peak_pricing": {"input_cost_per_token": 5e-07}}),
        ("p", "m", {"off_peak_pricing": 1}),
        ("p", "m", {"tiered_pricing": [{"range": [0]}]}),
        ("p", "m", {"tiered_pricing": [7]}),
    ],
)
def test_what_is_not_understood_or_paid_otherwise_has_no_price(
    provider: str, model: str, fields: dict[str, Any]
) -> None:
    assert price_of({**PLAIN, **fields}, provider, model) is None


@pytest.mark.parametrize("key", ["input_cost_per_audio_token", "output_cost_per_audio_token", "input_cost_per_image"])
def test_another_price_for_media_makes_calls_with_them_unknown(key: str) -> None:
    kind = "audio" if "audio" in key else "image"
    assert priced(**{key: 1e-05}).cost(Usage(prompt_tokens=1, apart=(kind,))) is None
    assert priced(**{key: 1e-05}).cost(Usage(prompt_tokens=1)) == 1_000
    assert priced(**{key: 0}).cost(Usage(prompt_tokens=1, apart=(kind,))) == 1_000


def test_every_entry_of_the_installed_map_is_read_or_left_out() -> None:
    path = price_map_path()
    assert path is not None
    entries = read_map(path)
    prices = [price_of(entry, str(entry.get("litellm_provider")), name) for name, entry in entries.items()]
    chats = [entry for entry in entries.values() if entry.get("mode") == "chat"]
    assert len([price for price in prices if price is not None]) > 0.9 * len(chats)
    for price in prices:
        if price is not None:
            assert price.cost(Usage(prompt_tokens=10**6, completion_tokens=10**6, reasoning_tokens=1)) is not None
