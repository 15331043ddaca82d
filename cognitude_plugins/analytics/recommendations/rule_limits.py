"""Limits on answers: so far above what is used that rambling is paid for, or so tight that it is asked again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from .cells import Cell, Traffic, halves
from .finding import Finding, Owned
from .monthly import Saving, monthly
from .pricing import Prices, Tokens
from .sizes import end_of
from .snippets import defaults

RULE: Final = (
    "Of each model the tokens beyond four times what 95 of 100 answers stay below are counted, and what answers cost "
    "that reached their max_tokens and were asked for again within ten minutes with a higher one."
)
LEAST_CALLS: Final = 100
"""Answers of a model of which a usual length can be said."""
TIMES: Final = 4
"""The usual length: of answers whose logarithms are normal with a deviation of 1, one of 800 is longer."""


def max_tokens(traffic: Traffic, prices: Prices, owned: Owned) -> Finding | None:
    """The cautious amount counts only runaways that ended at their limit: what is longer may have been wanted."""
    caps = _caps(traffic)
    expected, cautious, total, calls = [], [], 0, 0
    for cell in traffic.cells:
        cap = caps.get(cell.deployment)
        if cap is None or cell.end <= cap:
            continue
        saved = _beyond(prices, cell, cap)
        expected.append((cell.half, saved))
        cautious.append((cell.half, saved * cell.cut // cell.calls))
        calls += cell.calls
        # What is nearly a repeat is counted whole, by another rule.
        total += 0 if cell.near or owned(cell.group, cell.repeat) else saved
    cuts = [(one.half, one.cost) for one in traffic.cuts]
    total += sum(one.cost for one in traffic.cuts if not owned(one.group, one.repeat))
    if not expected and not cuts:
        return None
    bold = halves([*expected, *cuts])
    saving = Saving.of(bold, cautious=halves([*cautious, *cuts]), bold=bold, days=traffic.days)
    runaway, again = sum(amount for _, amount in expected), sum(amount for _, amount in cuts)
    cut_calls = sum(one.calls for one in traffic.cuts)
    return Finding(
        kind="max_tokens",
        rule=RULE,
        summary=f"{calls} answers went far beyond what is usual; {cut_calls} were cut at their limit and asked again.",
        saving=saving,
        total=monthly(total, traffic.days),
        evidence={
            "runaway_calls": calls,
            "runaway_nano_usd": runaway,
            "cut_and_repeated_calls": cut_calls,
            "cut_and_repeated_nano_usd": again,
            **_reserved(traffic.cells),
        },
        examples=_examples(traffic, caps),
        yaml=_yaml(traffic, prices, caps, tight=again > runaway),
    )


def _caps(traffic: Traffic) -> dict[str, int]:
    """Of each deployment the limit that would be far above what is usual: the end of a class of lengths."""
    sizes: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for cell in traffic.cells:
        if cell.completion:
            sizes[cell.deployment][cell.size] += cell.calls
    return {one: _cap(counts) for one, counts in sizes.items() if sum(counts.values()) >= LEAST_CALLS}


def _cap(counts: dict[int, int]) -> int:
    seen, wanted = 0, 0.95 * sum(counts.values())
    for size in sorted(counts):
        seen += counts[size]
        if seen >= wanted:
            break
    usual = TIMES * end_of(size)
    return next(end_of(one) for one in range(size, 10_000) if end_of(one) >= usual)


def _beyond(prices: Prices, cell: Cell, cap: int) -> int:
    """What the tokens beyond the cap cost, at today's price."""
    whole = Tokens.of(cell)._replace(reasoning=0)
    full = prices.cost(cell.deployment, whole)
    capped = prices.cost(cell.deployment, whole._replace(completion=min(whole.completion, cap * cell.calls)))
    return 0 if full is None or capped is None else full - capped


def _reserved(cells: Sequence[Cell]) -> dict[str, int]:
    """What limits reserve, where limits on tokens are set, and what is used of it."""
    limited = [cell for cell in cells if cell.limited == cell.calls]
    return {
        "max_tokens_asked": sum(cell.limits for cell in limited),
        "completion_tokens_used": sum(cell.completion for cell in limited),
    }


def _examples(traffic: Traffic, caps: dict[str, int]) -> list[int]:
    far = [cell.example for cell in traffic.cells if cell.end > caps.get(cell.deployment, cell.end)]
    found = {one for one in (*far, *(cut.example for cut in traffic.cuts)) if one is not None}
    return sorted(found)[:3]


def _yaml(traffic: Traffic, prices: Prices, caps: dict[str, int], *, tight: bool) -> str:
    if tight:
        most = max(2 * one.most_tokens for one in traffic.cuts)
        models = sorted({one.group.requested_model for one in traffic.cuts})
        rules: list[dict[str, Any]] = [
            {"models": models, "forbidden": ["max_tokens", "max_completion_tokens"], "on_forbidden": "drop"},
            {"models": models, "defaults": {"max_tokens": most}},
        ]
        return defaults(rules)
    asked: dict[str, int] = {}
    for cell in traffic.cells:
        cap = caps.get(cell.deployment)
        if cap is not None and cell.end > cap:
            asked[cell.requested_model] = max(cap, asked.get(cell.requested_model, 0))
    return defaults(
        [
            {"models": [name], "defaults": {"max_tokens": cap}, "caps": {"max_tokens": cap}}
            for name, cap in sorted(asked.items())
        ]
    )
