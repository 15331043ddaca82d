"""Prompt patterns: long beginnings that a provider could keep, and prompts that differ in digits or spaces only."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from .cells import Beginnings, Group, Traffic, halves
from .finding import Finding, Owned
from .monthly import Saving, monthly
from .pricing import Prices, Tokens
from .snippets import defaults, step

RULE: Final = (
    "Of beginnings of 1024 tokens and more that came again within some five minutes, the provider's discount on cached "
    "tokens that were not reported as cached is counted; and what calls cost that differ from earlier ones in digits, "
    "case, spaces and punctuation only."
)


def prompt_patterns(traffic: Traffic, prices: Prices, owned: Owned) -> Finding | None:
    """The cautious amount counts no near-repeat: what differs in digits may be another question."""
    discounts = [(one, _discount(prices, one)) for one in traffic.beginnings]
    discounts = [(one, saved) for one, saved in discounts if saved > 0]
    near = [cell for cell in traffic.cells if cell.near]
    if not discounts and not near:
        return None
    begun, alike = [(one.half, saved) for one, saved in discounts], [(cell.half, cell.cost) for cell in near]
    expected = halves([*begun, *alike])
    share = _shares_left(traffic, owned)
    total = sum(round(saved * share[one.group]) for one, saved in discounts)
    total += sum(cell.cost for cell in near if not owned(cell.group, cell.repeat))
    prefix, same = sum(saved for _, saved in begun), sum(cost for _, cost in alike)
    main = max(discounts, key=lambda one: (one[1], one[0].prefix), default=None)
    return Finding(
        kind="prompt_patterns",
        rule=RULE,
        summary=_summary(len({one.prefix for one, _ in discounts}), sum(cell.calls for cell in near)),
        saving=Saving.of(expected, cautious=halves(begun), bold=expected, days=traffic.days),
        total=monthly(total, traffic.days),
        evidence={
            "prefixes": len({one.prefix for one, _ in discounts}),
            "prefix_calls": sum(one.warm for one, _ in discounts),
            "prefix_nano_usd": prefix,
            "near_repeated_calls": sum(cell.calls for cell in near),
            "near_repeated_nano_usd": same,
        },
        examples=_examples(discounts, [cell.example for cell in near]),
        yaml=step("redis_cache") if main is None or same > prefix else _yaml(prices, main[0].group),
    )


def _discount(prices: Prices, one: Beginnings) -> int:
    """What the warm calls would have cost less, minus what writing the cold ones costs more."""
    missing = min(one.warm * one.tokens, one.prompt) - one.discounted
    if missing <= 0 or one.warm <= 0:
        return 0
    plain = Tokens(one.calls, one.prompt, one.completion, cached=one.discounted)
    cold = one.calls - one.warm if one.discounted == 0 else 0
    kept = plain._replace(cached=one.discounted + missing, written=min(cold * one.tokens, one.prompt - missing))
    now, then = prices.cost(one.group.deployment, plain), prices.cost(one.group.deployment, kept)
    return 0 if now is None or then is None else now - then


def _shares_left(traffic: Traffic, owned: Owned) -> dict[Group, float]:
    """Of each group's prompt tokens the part that no earlier rule has counted. Of single beginnings it is not known."""
    left: dict[Group, int] = defaultdict(int)
    every: dict[Group, int] = defaultdict(int)
    for cell in traffic.cells:
        every[cell.group] += cell.prompt
        left[cell.group] += 0 if cell.near or owned(cell.group, cell.repeat) else cell.prompt
    return defaultdict(float, {group: left[group] / tokens for group, tokens in every.items() if tokens})


def _summary(prefixes: int, near: int) -> str:
    parts = [
        f"{prefixes} long beginnings came again and were not discounted" if prefixes else "",
        f"{near} calls differ from earlier ones in digits, case or spaces only" if near else "",
    ]
    return "; ".join(part for part in parts if part) + "."


def _examples(discounts: list[tuple[Beginnings, int]], near: list[int | None]) -> list[int]:
    most = sorted(discounts, key=lambda one: (-one[1], one[0].prefix))
    found = dict.fromkeys([*(one.prefix for one, _ in most), *(one for one in near if one is not None)])
    return list(found)[:3]


def _yaml(prices: Prices, group: Group) -> str:
    """Anthropic keeps what is marked; others keep it by themselves and find it by a common key."""
    if prices.deployments[group.deployment].provider == "anthropic":
        chosen: dict[str, object] = {"cache_control": {"type": "ephemeral"}}
    else:
        chosen = {"prompt_cache_key": group.requested_model}
    return defaults([{"models": [group.requested_model], "defaults": chosen}])
