"""Cache opportunity: the same was asked again, and a provider was paid for the answer again."""

from __future__ import annotations

from collections import Counter
from typing import Final

from .cells import Traffic, halves
from .finding import Finding, Owned
from .monthly import Saving
from .pricing import Prices
from .snippets import step

RULE: Final = (
    "Of equal requests all but the first could be answered by a cache: what the later ones cost is counted, whatever "
    "the reason why no cache answered them."
)
_REASONS: Final = {
    "off": "no cache was asked",
    "apart": "the answer was kept for another key, user or namespace",
    "expired": "the answer was no longer kept",
    "lost": "the answer was gone before its time",
    "concurrent": "the first answer was still on its way",
}
_CHANGES: Final = {
    "off": step("redis_cache", "max_temperature: 2.0"),
    "apart": step("redis_cache", "scope: organization"),
    "expired": step("redis_cache", "redis_ttl: 2592000", "sql_days: 30"),
    "lost": step("redis_cache", "memory_bytes: 268435456", "sql: true"),
    "concurrent": "services:\n  redis: embedded\n" + step("redis_cache"),
}


def cache_opportunity(traffic: Traffic, prices: Prices, owned: Owned) -> Finding | None:
    """The saving is exact. The cautious amount leaves out what came at once, or over a day after the first answer."""
    if not traffic.repeats:
        return None
    calls: Counter[str] = Counter()
    costs: Counter[str] = Counter()
    for one in traffic.repeats:
        calls[one.reason] += one.calls
        costs[one.reason] += one.cost
    expected = halves((one.half, one.cost) for one in traffic.repeats)
    saving = Saving.of(
        expected,
        cautious=halves((one.half, one.soon) for one in traffic.repeats),
        bold=expected,
        days=traffic.days,
    )
    main = max(costs, key=lambda reason: (costs[reason], reason))
    examples = [one.example for one in traffic.repeats] + [one.other_example for one in traffic.repeats]
    return Finding(
        kind="cache_opportunity",
        rule=RULE,
        summary=f"{sum(calls.values())} calls asked what had been answered before; mostly {_REASONS[main]}.",
        saving=saving,
        total=saving.month,
        evidence={
            "repeated_calls": sum(calls.values()),
            **{f"{reason}_calls": calls[reason] for reason in _REASONS if calls[reason]},
            **{f"{reason}_nano_usd": costs[reason] for reason in _REASONS if calls[reason]},
        },
        examples=sorted({one for one in examples if one is not None})[:3],
        yaml=step("redis_cache") if main == "off" and not _has_cache(traffic) else _CHANGES[main],
    )


def _has_cache(traffic: Traffic) -> bool:
    """Whether one was asked at all."""
    return any(cell.asked for cell in traffic.cells)
