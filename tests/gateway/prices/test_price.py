"""Worked examples: each provider's published prices per million tokens, the cost worked out by hand in dollars."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.price_settings import Price as Settings
from cognitude_plugins.gateway.prices import Price, PriceBook, Tier
from hooks import Deployment, Usage


def price(provider: str, model: str, *, at: datetime | None = None) -> Price:
    one = Deployment(id=model, model=model, provider=provider, upstream_model=model, transport="direct")
    found = PriceBook.load([one]).of(one, at=at)
    assert found is not None
    return found


def dollars(amount: str) -> int:
    """Nano-dollars of an amount that has no more than nine decimals."""
    nano = Decimal(amount) * 10**9
    assert nano == int(nano)
    return int(nano)


WEEKDAY_NOON = datetime(2026, 9, 2, 9, 0, tzinfo=UTC)
WEEKEND = datetime(2026, 9, 5, 9, 0, tzinfo=UTC)

EXAMPLES = [
    # OpenAI, "Pricing", gpt-4o: 2.50 input, 1.25 cached input, 10.00 output.
    # (2006 - 1920) x 2.50 + 1920 x 1.25 + 300 x 10.00 = 215 + 2400 + 3000 = 5615 millionths.
    ("openai", "gpt-4o", Usage(prompt_tokens=2006, cached_tokens=1920, completion_tokens=300), "0.005615"),
    # OpenAI, "Pricing", o3: 2.00 input, 0.50 cached, 8.00 output; reasoning tokens are billed as output and are in
    # completion_tokens. 75 x 2.00 + 1186 x 8.00 = 150 + 9488 = 9638 millionths.
    ("openai", "o3", Usage(prompt_tokens=75, completion_tokens=1186, reasoning_tokens=1024), "0.009638"),
    # OpenAI, "Pricing", gpt-5 with service tier flex: 0.625 input, 0.0625 cached, 5.00 output.
    # (1000 - 640) x 0.625 + 640 x 0.0625 + 100 x 5 = 225 + 40 + 500 = 765 millionths.
    (
        "openai",
        "gpt-5",
        Usage(prompt_tokens=1000, cached_tokens=640, completion_tokens=100, apart=("flex",)),
        "0.000765",
    ),
    # OpenAI, "Pricing", text-embedding-3-small: 0.02. 8 x 0.02 = 0.16 millionths.
    ("openai", "text-embedding-3-small", Usage(prompt_tokens=8), "0.000000160"),
    # Anthropic, "Pricing", Claude Sonnet 4.5: 3 input, 3.75 cache write (5 minutes), 0.30 cache read, 15 output.
    # Of 21 103 prompt tokens 1 028 written, 20 000 read, 75 plain:
    # 75 x 3 + 1028 x 3.75 + 20000 x 0.30 + 503 x 15 = 225 + 3855 + 6000 + 7545 = 17625 millionths.
    (
        "anthropic",
        "claude-sonnet-4-5",
        Usage(prompt_tokens=21_103, cached_tokens=20_000, cache_write_tokens=1_028, completion_tokens=503),
        "0.017625",
    ),
    # The same page: 6 for what is written to stay an hour. 1000 x 6 + 10 x 15 = 6150 millionths.
    (
        "anthropic",
        "claude-sonnet-4-5",
        Usage(prompt_tokens=1_000, cache_write_tokens=1_000, completion_tokens=10, apart=("cache_write_1h",)),
        "0.006150",
    ),
    # Anthropic, "Pricing", Claude Haiku 3.5: 0.80 input, 1.00 write, 0.08 read, 4 output (our own table).
    # 100 x 0.80 + 50 x 1 + 850 x 0.08 + 33 x 4 = 80 + 50 + 68 + 132 = 330 millionths.
    (
        "anthropic",
        "claude-3-5-haiku-20241022",
        Usage(prompt_tokens=1_000, cached_tokens=850, cache_write_tokens=50, completion_tokens=33),
        "0.000330",
    ),
    # Google, "Gemini Developer API pricing", Gemini 2.5 Pro: 1.25 / 10.00, cached 0.125 up to 200 000 prompt tokens.
    # 150000 x 1.25 + 50000 x 0.125 + 700 x 10 = 187500 + 6250 + 7000 = 200750 millionths.
    (
        "gemini",
        "gemini-2.5-pro",
        Usage(prompt_tokens=200_000, cached_tokens=50_000, completion_tokens=700, reasoning_tokens=500),
        "0.200750",
    ),
    # The same page above 200 000: 2.50 / 15.00, cached 0.25, for the whole call.
    # 150001 x 2.50 + 50000 x 0.25 + 700 x 15 = 375002.5 + 12500 + 10500 = 398002.5 millionths.
    (
        "gemini",
        "gemini-2.5-pro",
        Usage(prompt_tokens=200_001, cached_tokens=50_000, completion_tokens=700, reasoning_tokens=500),
        "0.3980025",
    ),
    # Google, the same page, Gemini 1.5 Flash (our own table): 0.075 / 0.30, above 128 000: 0.15 / 0.60.
    # 128001 x 0.15 + 10 x 0.60 = 19200.15 + 6 = 19206.15 millionths.
    ("gemini", "gemini-1.5-flash", Usage(prompt_tokens=128_001, completion_tokens=10), "0.01920615"),
    # DeepSeek, "Models & Pricing", deepseek-chat (V3.2): cache hit 0.028, miss 0.28, output 0.42.
    # (1000 - 896) x 0.28 + 896 x 0.028 + 250 x 0.42 = 29.12 + 25.088 + 105 = 159.208 millionths.
    (
        "deepseek",
        "deepseek-chat",
        Usage(prompt_tokens=1_000, cached_tokens=896, completion_tokens=250),
        "0.000159208",
    ),
    # Mistral, "Pricing", Mistral Large 3: 0.50 input, 1.50 output. 1200 x 0.50 + 80 x 1.50 = 720 millionths.
    ("mistral", "mistral-large-2512", Usage(prompt_tokens=1_200, completion_tokens=80), "0.000720"),
    # Groq, "On-demand Pricing", GPT OSS 120B: 0.15 input, 0.075 cached, 0.60 output.
    # 500 x 0.15 + 500 x 0.075 + 45 x 0.60 = 75 + 37.5 + 27 = 139.5 millionths.
    (
        "groq",
        "openai/gpt-oss-120b",
        Usage(prompt_tokens=1_000, cached_tokens=500, completion_tokens=45, reasoning_tokens=20),
        "0.0001395",
    ),
    # Groq, the same page, Llama 3.3 70B Versatile: 0.59 input, 0.79 output (our own table).
    # 18 x 0.59 + 556 x 0.79 = 10.62 + 439.24 = 449.86 millionths.
    ("groq", "llama-3.3-70b-versatile", Usage(prompt_tokens=18, completion_tokens=556), "0.00044986"),
    # xAI, "Models and Pricing", grok-4.3: 1.25 input, 0.20 cached, 2.50 output, reasoning as output.
    # 20 x 1.25 + 12 x 0.20 + 326 x 2.50 = 25 + 2.4 + 815 = 842.4 millionths.
    (
        "xai",
        "grok-4.3",
        Usage(prompt_tokens=32, cached_tokens=12, completion_tokens=326, reasoning_tokens=310),
        "0.0008424",
    ),
    # The same page: 2.50 / 5.00 from 200 000 prompt tokens on. 200000 x 2.50 + 10 x 5 = 500050 millionths.
    ("xai", "grok-4.3", Usage(prompt_tokens=200_000, completion_tokens=10), "0.500050"),
    # Alibaba, "Model Studio pricing", qwen-plus (2025-07-28): thinking is output at another price:
    # 0.40 input, 1.20 output, 4.00 thinking. 1000 x 0.40 + 100 x 1.20 + 400 x 4.00 = 400 + 120 + 1600 millionths.
    (
        "dashscope",
        "qwen-plus-2025-07-28",
        Usage(prompt_tokens=1_000, completion_tokens=500, reasoning_tokens=400),
        "0.002120",
    ),
    # The same page above 256 000: 1.20 / 3.60 / 12.00. 300000 x 1.20 + 100 x 3.60 + 400 x 12 = 365160 millionths.
    (
        "dashscope",
        "qwen-plus-2025-07-28",
        Usage(prompt_tokens=300_000, completion_tokens=500, reasoning_tokens=400),
        "0.365160",
    ),
]


@pytest.mark.parametrize(("provider", "model", "usage", "cost"), EXAMPLES, ids=lambda value: str(value)[:30])
def test_a_call_costs_what_its_provider_publishes(provider: str, model: str, usage: Usage, cost: str) -> None:
    assert price(provider, model).cost(usage) == dollars(cost)


def test_at_other_hours_a_call_costs_less_where_the_provider_says_so() -> None:
    # DeepSeek, "Models & Pricing", deepseek-v4-pro: 1.32 / 3.96 at peak hours, half of it off peak (weekends and
    # 10:00 to 01:00, 04:00 to 06:00 UTC). 1000 x 1.32 + 100 x 3.96 = 1716 millionths.
    usage = Usage(prompt_tokens=1_000, completion_tokens=100)
    assert price("deepseek", "deepseek-v4-pro", at=WEEKDAY_NOON).cost(usage) == dollars("0.001716")
    assert price("deepseek", "deepseek-v4-pro", at=WEEKEND).cost(usage) == dollars("0.000858")


PLAIN = Usage(prompt_tokens=1_000, completion_tokens=100)


@pytest.mark.parametrize(
    ("provider", "model", "apart", "known"),
    [
        ("openai", "gpt-4o", (), True),
        ("openai", "gpt-4o", ("search",), False),
        ("openai", "gpt-4o", ("flex",), False),
        ("openai", "gpt-4o", ("priority",), True),
        ("openai", "gpt-4o", ("priority", "search"), False),
        ("gemini", "gemini-2.5-flash", ("audio",), False),
        ("gemini", "gemini-2.5-flash", ("image",), True),
        ("gemini", "gemini-2.0-flash", ("audio",), False),
        ("xai", "grok-4.3", ("image",), True),
        ("anthropic", "claude-sonnet-4-5", ("cache_write_mixed",), False),
        ("anthropic", "claude-sonnet-4-5", ("fast",), False),
        ("anthropic", "claude-3-opus-20240229", ("geo",), False),
        ("anthropic", "claude-3-haiku-20240307", ("cache_write_1h",), False),
        ("mistral", "mistral-large-2512", ("priority",), False),
    ],
)
def test_what_is_priced_otherwise_makes_the_cost_unknown_not_zero(
    provider: str, model: str, apart: tuple[str, ...], known: bool
) -> None:
    usage = Usage(prompt_tokens=1_000, completion_tokens=100, apart=apart)
    assert (price(provider, model).cost(usage) is not None) is known


def test_a_service_tier_whose_long_prompts_have_no_price_is_unknown_there() -> None:
    flex = Usage(prompt_tokens=200_000, apart=("flex",))
    gemini = price("gemini", "gemini-2.5-pro")
    # 200000 x 0.625 = 125000 millionths.
    assert gemini.cost(flex) == dollars("0.125")
    assert gemini.cost(Usage(prompt_tokens=200_001, apart=("flex",))) is None


def test_more_parts_than_there_are_are_not_believed() -> None:
    one = Price.per_million(input=8, output=4, cached_input=2, cache_write=16, reasoning=1)
    everything = Usage(
        prompt_tokens=10, cached_tokens=7, cache_write_tokens=99, completion_tokens=5, reasoning_tokens=99
    )
    # 7 read, 3 written, nothing plain; 5 reasoning: 7 x 2 + 3 x 16 + 5 x 1 = 67 millionths.
    assert one.cost(everything) == 67_000
    assert one.cost(Usage(prompt_tokens=10, cached_tokens=11, cache_write_tokens=1)) == 20_000


def test_a_configured_price_has_all_that_can_be_configured() -> None:
    settings = Settings.model_validate(
        {
            "input": "1.5",
            "output": 6,
            "cached_input": 0.15,
            "cache_write": 2,
            "reasoning": 7,
            "per_request": 0.001,
            "tiers": [
                {"above_prompt_tokens": 100, "input": 3},
                {"above_prompt_tokens": 1000, "input": 9, "output": 12},
            ],
        }
    )
    one = Price.of(settings)
    assert one.tiers == (
        Tier(above_prompt_tokens=1000, input=9_000_000_000, output=12_000_000_000),
        Tier(above_prompt_tokens=100, input=3_000_000_000),
    )
    # 60 x 1.5 + 30 x 0.15 + 10 x 2 + 5 x 6 + 5 x 7 = 90 + 4.5 + 20 + 30 + 35 millionths and a thousandth of a dollar.
    usage = Usage(prompt_tokens=100, cached_tokens=30, cache_write_tokens=10, completion_tokens=10, reasoning_tokens=5)
    assert one.cost(usage) == dollars("0.0001795") + dollars("0.001")
    assert one.cost(Usage(prompt_tokens=101)) == dollars("0.000303") + dollars("0.001")
    assert one.cost(Usage(prompt_tokens=1001, completion_tokens=1)) == dollars("0.009021") + dollars("0.001")
    assert one.cost(Usage(prompt_tokens=1, apart=("search", "flex"))) == 1_500 + dollars("0.001")


def test_an_absent_tier_price_is_as_below_it() -> None:
    tiers = [
        {"above_prompt_tokens": 99, "cached_input": 3},
        {"above_prompt_tokens": 9, "input": 4},
        {"above_prompt_tokens": 999, "output": 8},
    ]
    one = Price.of(Settings.model_validate({"input": 1, "output": 2, "cached_input": 0.5, "tiers": tiers}))
    used = {"cached_tokens": 4, "completion_tokens": 1}
    assert one.cost(Usage(prompt_tokens=10, **used)) == 6 * 4_000 + 4 * 500 + 2_000
    assert one.cost(Usage(prompt_tokens=100, **used)) == 96 * 4_000 + 4 * 3_000 + 2_000
    assert one.cost(Usage(prompt_tokens=1000, **used)) == 996 * 4_000 + 4 * 3_000 + 8_000


counts = st.integers(0, 10**9)
rates = st.integers(0, 10**12)


@given(counts, counts, counts, counts, counts, rates, rates, rates, rates, rates)
def test_the_cost_is_the_exact_sum_rounded_half_up_once(
    prompt: int, cached: int, written: int, completion: int, reasoning: int, i: int, o: int, c: int, w: int, r: int
) -> None:
    one = Price(input=i, output=o, cached_input=c, cache_write=w, reasoning=r)
    usage = Usage(
        prompt_tokens=prompt,
        cached_tokens=cached,
        cache_write_tokens=written,
        completion_tokens=completion,
        reasoning_tokens=reasoning,
    )
    read = min(cached, prompt)
    put = min(written, prompt - read)
    thought = min(reasoning, completion)
    exact = Fraction(
        (prompt - read - put) * i + read * c + put * w + (completion - thought) * o + thought * r, 1_000_000
    )
    cost = one.cost(usage)
    assert cost is not None
    assert Fraction(-1, 2) < cost - exact <= Fraction(1, 2)
