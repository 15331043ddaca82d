from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.prices import Price, PriceBook, price_map_path
from cognitude_plugins.gateway.prices.dated import Dated
from hooks import Deployment, Usage


def deployment(provider: str, model: str, *, id: str = "one") -> Deployment:
    return Deployment(id=id, model=model, provider=provider, upstream_model=model, transport="direct")


def a_map(folder: Path, **entries: object) -> Path:
    path = folder / "map.json"
    path.write_bytes(orjson.dumps({name.replace("__", "/"): entry for name, entry in entries.items()}))
    return path


def rates(price: Price | None) -> Price | None:
    """Only what a plain call costs."""
    return price and Price(input=price.input, output=price.output, cached_input=price.cached_input)


MINI = Price.per_million(input=0.15, output=0.6, cached_input=0.075)
"""gpt-4o-mini as published: USD 0.15, 0.60 and 0.075 per million tokens."""


@pytest.mark.parametrize(
    ("usage", "nano"),
    [
        # 1 000 000 x 0.15 = 0.15 dollars
        (Usage(prompt_tokens=1_000_000), 150_000_000),
        # 1 200 x 0.15 / 1M + 300 x 0.60 / 1M = 0.00018 + 0.00018 = 0.00036 dollars
        (Usage(prompt_tokens=1_200, completion_tokens=300), 360_000),
        # 2 006 of which 1 920 cached: 86 x 0.15 + 1 920 x 0.075 + 300 x 0.6 = 12.9 + 144 + 180 millionths
        (Usage(prompt_tokens=2_006, cached_tokens=1_920, completion_tokens=300), 336_900),
        (Usage(), 0),
    ],
)
def test_published_prices_give_the_hand_computed_cost(usage: Usage, nano: int) -> None:
    assert MINI.cost(usage) == nano


def test_the_cost_is_rounded_half_up_and_only_once() -> None:
    price = Price(input=500_000, output=400_000)
    assert price.cost(Usage(prompt_tokens=1)) == 1
    assert price.cost(Usage(completion_tokens=1)) == 0
    assert price.cost(Usage(prompt_tokens=1, completion_tokens=1)) == 1
    assert price.cost(Usage(prompt_tokens=2, completion_tokens=2)) == 2


def test_cached_tokens_cost_as_input_when_their_price_is_not_known() -> None:
    price = Price.per_million(input=3, output=15)
    assert price.cost(Usage(prompt_tokens=100, cached_tokens=60)) == price.cost(Usage(prompt_tokens=100))


def test_more_cached_tokens_than_prompt_tokens_are_not_believed() -> None:
    assert MINI.cost(Usage(prompt_tokens=10, cached_tokens=99)) == MINI.cost(Usage(prompt_tokens=10, cached_tokens=10))


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf"), "free", None, "0,15"])
def test_a_price_that_is_no_amount_of_dollars_is_refused_by_its_value(bad: object) -> None:
    with pytest.raises(ValueError, match="US dollars, not"):
        Price.per_million(input=bad, output=1)  # type: ignore[arg-type]


def test_the_map_s_floats_are_read_as_the_decimals_they_were_written_as(tmp_path: Path) -> None:
    entry = {"input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07, "cache_read_input_token_cost": 7.5e-08}
    path = a_map(tmp_path, sim__one=entry)
    assert rates(PriceBook.load([deployment("sim", "one")], path=path).of(deployment("sim", "one"))) == MINI


def test_a_configured_price_wins_over_the_map() -> None:
    ours = Price.per_million(input=1, output=2)
    one = deployment("openai", "gpt-4o-mini")
    assert PriceBook.load([one], {"one": ours}).of(one) == ours


@pytest.mark.parametrize(
    ("provider", "model", "price"),
    [
        ("openai", "gpt-4o-mini", MINI),
        ("azure", "gpt-4o-mini", MINI),
        ("anthropic", "claude-sonnet-4-5", Price.per_million(input=3, output=15, cached_input=0.3)),
        (
            "bedrock",
            "anthropic.claude-3-5-sonnet-20240620-v1:0",
            Price.per_million(input=3, output=15, cached_input=0.3),
        ),
        ("openai", "text-embedding-3-small", Price.per_million(input=0.02, output=0)),
    ],
)
def test_the_installed_map_knows_the_common_models(provider: str, model: str, price: Price) -> None:
    one = deployment(provider, model)
    assert rates(PriceBook.load([one]).of(one)) == price


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "no-such-model"), ("groq", "gpt-4o"), ("simulated", "echo")]
)
def test_an_unknown_price_is_none_also_when_another_provider_sells_a_model_of_that_name(
    provider: str, model: str
) -> None:
    one = deployment(provider, model)
    assert PriceBook.load([one]).of(one) is None


def test_a_price_per_query_is_not_a_price_of_zero(tmp_path: Path) -> None:
    entry = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
    path = a_map(tmp_path, sim__rerank={**entry, "input_cost_per_query": 0.002}, sim__free=entry)
    book = PriceBook.load([deployment("sim", "rerank"), deployment("sim", "free", id="two")], path=path)
    assert book.of(deployment("sim", "rerank")) is None
    assert rates(book.of(deployment("sim", "free"))) == Price(input=0, output=0)


def test_a_chat_model_without_a_price_for_its_answers_is_unknown(tmp_path: Path) -> None:
    path = a_map(tmp_path, sim__one={"input_cost_per_token": 1e-06, "mode": "chat"})
    assert PriceBook.load([deployment("sim", "one")], path=path).known == {}


def test_a_catch_all_finds_every_model_of_its_provider_and_no_other() -> None:
    star = deployment("anthropic", "*")
    book = PriceBook.load([star])
    assert rates(book.of(star, "claude-sonnet-4-5")) == Price.per_million(input=3, output=15, cached_input=0.3)
    assert book.of(star, "gpt-4o-mini") is None
    assert book.of(star) is None


def test_only_the_configured_models_are_kept() -> None:
    assert set(PriceBook.load([deployment("openai", "gpt-4o-mini")]).known) == {"openai/gpt-4o-mini"}


def test_our_table_holds_between_its_dates_over_the_map_and_under_the_configuration() -> None:
    ours, theirs, configured = (Price.per_million(input=n, output=n) for n in (1, 2, 3))
    row = Dated(
        provider="xai", models=("m",), first=date(2026, 2, 1), last=date(2026, 2, 28), price=ours, source="test"
    )
    one = deployment("xai", "m")
    book = PriceBook(dated={"xai/m": (row,)}, known={"xai/m": theirs}, clock=lambda: datetime(2026, 2, 3, tzinfo=UTC))
    assert book.of(one) is ours
    assert book.of(one, at=datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)) is theirs
    assert book.of(one, at=datetime(2026, 2, 1, tzinfo=UTC)) is ours
    assert book.of(one, at=datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)) is ours
    assert book.of(one, at=datetime(2026, 3, 1, tzinfo=UTC)) is theirs
    assert PriceBook(own={"one": configured}, dated=book.dated, known=book.known).of(one) is configured


def test_a_model_that_only_our_table_knows_is_priced_until_it_is_retired() -> None:
    grok = deployment("xai", "grok-4-0709")
    book = PriceBook.load([grok, deployment("anthropic", "*", id="rest")])
    assert rates(book.of(grok, at=datetime(2026, 1, 1, tzinfo=UTC))) == Price.per_million(
        input=3, output=15, cached_input=0.75
    )
    assert book.of(grok, at=datetime(2026, 6, 1, tzinfo=UTC)) is None
    haiku = book.of(deployment("anthropic", "*", id="rest"), "claude-3-haiku-20240307")
    assert rates(haiku) == Price.per_million(input=0.25, output=1.25, cached_input=0.03)


def test_the_deployments_without_a_price_are_named_by_their_ids() -> None:
    priced = deployment("openai", "gpt-4o-mini", id="mini")
    unknown = deployment("openai", "no-such-model", id="mine#2")
    everything = deployment("openai", "*", id="*")
    all_of_them = [priced, unknown, everything]
    assert PriceBook.load(all_of_them).unpriced(all_of_them) == ("mine#2",)
    own = {"mine#2": Price.per_million(input=0, output=0)}
    assert PriceBook.load(all_of_them, own).unpriced(all_of_them) == ()


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"[]", b'{"sim/one": 3}', b'{"sim/one": {"input_cost_per_token": []}}']
)
def test_a_map_that_is_missing_or_broken_leaves_prices_unknown(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "map.json"
    if content is not None:
        path.write_bytes(content)
    assert PriceBook.load([deployment("sim", "one")], path=path).of(deployment("sim", "one")) is None


def test_the_map_is_read_without_importing_litellm() -> None:
    path = price_map_path()
    assert path is not None
    assert path.is_file()
    code = (
        "import sys\nfrom cognitude_plugins.gateway.prices import *\nfrom hooks import Deployment\n"
        "d = Deployment(id='a', model='a', provider='openai', upstream_model='gpt-4o', transport='direct')\n"
        "assert PriceBook.load([d]).of(d) is not None\nassert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


counts = st.integers(min_value=0, max_value=10**9)


@given(st.lists(st.tuples(counts, counts, counts), min_size=1, max_size=20), st.integers(0, 10**12))
def test_splitting_calls_never_moves_the_total_by_more_than_half_a_nano_dollar_each(
    calls: list[tuple[int, int, int]], price: int
) -> None:
    one = Price(input=price, output=price * 4, cached_input=price // 2)
    exact = sum((p - min(c, p)) * one.input + min(c, p) * (price // 2) + out * one.output for p, out, c in calls)
    total = sum(one.cost(Usage(prompt_tokens=p, completion_tokens=out, cached_tokens=c)) or 0 for p, out, c in calls)
    assert abs(total * 1_000_000 - exact) <= 500_000 * len(calls)
