"""All recommendations for an organization, in an order in which none counts what an earlier one has counted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hooks import Gateway

from ..settings import Recommendations
from . import rule_downgrade, rule_limits, rule_prompts, rule_repeats, rule_routing
from .cells import Group, Traffic
from .finding import Finding, Rule
from .looking_back import look_back
from .monthly import NANO
from .pricing import Prices

RULES: Final[tuple[Rule, ...]] = (
    rule_repeats.cache_opportunity,
    rule_downgrade.model_downgrade,
    rule_routing.smart_routing,
    rule_limits.max_tokens,
    rule_prompts.prompt_patterns,
)
"""A call that a cache would answer goes to no other model; one that goes to another model is not priced at the first
one's discounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """``total`` nano-dollars a month: the sum of what the findings count, no dollar twice."""

    traffic: Traffic
    findings: Sequence[Finding]

    @property
    def total(self) -> int:
        return sum(one.total for one in self.findings)


async def advise(
    gateway: Gateway, organization: str, settings: Recommendations, *, days: int, until: datetime
) -> Advice:
    """What is worth at least its threshold. Raises `hooks.Unavailable`."""
    traffic = await look_back(gateway, organization, days=days, until=until)
    return await asyncio.to_thread(advice, traffic, Prices.at(gateway), settings)


def advice(traffic: Traffic, prices: Prices, settings: Recommendations) -> Advice:
    findings: list[Finding] = []
    taken: set[Group] = set()
    repeats_taken = False

    def owned(group: Group, repeat: int) -> bool:
        return group in taken or (repeats_taken and bool(repeat))

    for rule in RULES:
        found = rule(traffic, prices, owned)
        if found is None or found.saving.month < settings.thresholds.of(found.kind) * NANO or found.saving.month <= 0:
            continue
        findings.append(found)
        taken |= found.groups
        repeats_taken = repeats_taken or found.kind == "cache_opportunity"
    return Advice(traffic=traffic, findings=tuple(findings))
