"""One model's price, and what a call costs at it, to the billionth of a dollar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from hooks import Usage

from .hours import Hours

if TYPE_CHECKING:
    from ..price_settings import Price as PriceSettings

MILLION: Final = 1_000_000
_NANO: Final = Decimal(10**9)
_RATES: Final = ("input", "output", "cached_input", "cache_write", "cache_write_1h", "reasoning")

Number = int | float | str | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Other rates for a whole call whose prompt has more tokens than ``above_prompt_tokens``; None: as below it."""

    above_prompt_tokens: int
    input: int | None = None
    output: int | None = None
    cached_input: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Billionths of a US dollar per million tokens; ``per_request`` in billionths of a dollar per call.

    Without a price of their own, cached and written tokens cost as input, reasoning tokens as output, tokens written
    for an hour as any that are written. ``apart`` names what this price does not cover (`Usage.apart`): what such a
    call costs is unknown, as it is with a prompt of more than ``most_prompt_tokens``. ``services`` are the prices of
    other service tiers, ``off_peak`` one for hours of the day.
    """

    input: int
    output: int
    cached_input: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    per_request: int = 0
    tiers: tuple[Tier, ...] = ()
    most_prompt_tokens: int | None = None
    apart: frozenset[str] = frozenset()
    services: Mapping[str, Price] = field(default_factory=dict, hash=False)
    off_peak: tuple[Hours, Price] | None = None

    @classmethod
    def of(cls, settings: PriceSettings) -> Price:
        """As configured. It is taken to cover whatever a call used."""
        tiers = (tier.model_dump(exclude={"above_prompt_tokens"}) for tier in settings.tiers)
        above = (tier.above_prompt_tokens for tier in settings.tiers)
        rates = settings.model_dump(exclude={"tiers", "per_request"})
        return cls(
            **_per_million(rates),
            per_request=nano(settings.per_request),
            tiers=sorted_tiers(
                Tier(above_prompt_tokens=n, **_per_million(one)) for n, one in zip(above, tiers, strict=True)
            ),
        )

    @classmethod
    def per_million(cls, *, input: Number, output: Number, **others: Number | None) -> Price:
        """From US dollars per million tokens. Raises ``ValueError`` below zero or when not finite."""
        return cls(input=nano(input), output=nano(output), **_per_million(others))

    def cost(self, usage: Usage) -> int | None:
        """Nano-dollars, rounded half up once, at the end. None when something was used that this does not cover.

        Cached and written tokens are parts of the prompt's, reasoning tokens of the completion's, never more.
        """
        if usage.apart:
            for service in usage.apart:
                if service in self.services:
                    return self.services[service].cost(_without(usage, service))
            if not self.apart.isdisjoint(usage.apart):
                return None
        prompt, completion = usage.prompt_tokens, usage.completion_tokens
        if self.most_prompt_tokens is not None and prompt > self.most_prompt_tokens:
            return None
        cached = min(usage.cached_tokens, prompt)
        written = min(usage.cache_write_tokens, prompt - cached)
        reasoning = min(usage.reasoning_tokens, completion)
        rates = self if not self.tiers else self._above(prompt)
        write = _first(rates.cache_write, rates.input)
        if "cache_write_1h" in usage.apart:
            write = _first(rates.cache_write_1h, write)
        exact = (
            (prompt - cached - written) * rates.input
            + cached * _first(rates.cached_input, rates.input)
            + written * write
            + (completion - reasoning) * rates.output
            + reasoning * _first(rates.reasoning, rates.output)
        )
        return (exact + MILLION // 2) // MILLION + self.per_request

    def at(self, moment: datetime) -> Price:
        """The price at a time of the day."""
        if self.off_peak is not None and moment in self.off_peak[0]:
            return self.off_peak[1]
        return self

    def _above(self, prompt: int) -> Price:
        """The rates for a prompt of so many tokens; tiers are sorted, the longest prompts' first."""
        for tier in self.tiers:
            if prompt > tier.above_prompt_tokens:
                own = {name: rate for name in _RATES if (rate := getattr(tier, name)) is not None}
                return replace(self, **own)
        return self


def sorted_tiers(tiers: Iterable[Tier]) -> tuple[Tier, ...]:
    """As `Price.tiers` has them, each with what it leaves out as in the one below. Of two alike the first stands."""
    unique: dict[int, Tier] = {}
    for tier in tiers:
        unique.setdefault(tier.above_prompt_tokens, tier)
    found: list[Tier] = []
    for _, tier in sorted(unique.items()):
        found.insert(0, tier if not found else _on_top_of(found[0], tier))
    return tuple(found)


def _on_top_of(below: Tier, tier: Tier) -> Tier:
    return replace(tier, **{name: getattr(below, name) for name in _RATES if getattr(tier, name) is None})


def nano(dollars: Any, times: int = 1) -> int:
    """``dollars`` times ``times`` in nano-dollars; a float is taken for the decimal it was written as."""
    try:
        exact = Decimal(repr(dollars) if isinstance(dollars, float) else dollars)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise ValueError(f"a price is a number of US dollars, not {dollars!r}") from error
    if not exact.is_finite() or exact < 0:
        raise ValueError(f"a price is zero or more US dollars, not {dollars!r}")
    return int((exact * _NANO * times).to_integral_value(ROUND_HALF_UP))


def _per_million(rates: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if dollars is None else nano(dollars) for name, dollars in rates.items()}


def _first(rate: int | None, otherwise: int) -> int:
    return otherwise if rate is None else rate


def _without(usage: Usage, name: str) -> Usage:
    return replace(usage, apart=tuple(one for one in usage.apart if one != name))
