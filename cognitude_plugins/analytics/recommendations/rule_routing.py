"""Smart routing: calls that name a model although an alias could have found a cheaper one."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

from .cells import Cell, Traffic
from .finding import Finding, Owned
from .fitting import Fitting
from .moves import Moves
from .pricing import Prices, Tokens
from .snippets import routed

RULE: Final = (
    "Calls that name a model are priced anew as the calls of an alias with that model were spread over its candidates. "
    "Without such an alias: those of at most 256 tokens each way, at the cheapest model that has served 20 calls of "
    "this organization."
)
_LEAST_ROUTED: Final = 50
"""Calls of an alias whose spread over its candidates says something."""

Shares = dict[str, float]
"""Of deployments, by id: together 1."""


def smart_routing(traffic: Traffic, prices: Prices, owned: Owned) -> Finding | None:
    """The cautious amount takes others' answers to be longer; where nothing was routed yet, it is nothing."""
    moves, fitting = Moves(owned=owned), Fitting.of(traffic, prices)
    alias_of = _aliases(traffic, prices)
    for deployment, cells in _direct(traffic, prices).items():
        model = prices.deployments[deployment].model
        routed_by = next(((name, shares) for name, shares in alias_of.items() if deployment in shares), None)
        if routed_by is not None:
            _as_routed(moves, prices, fitting, cells, (routed_by[0], model, model), routed_by[1])
            continue
        short = [cell for cell in cells if cell.short]
        best = fitting.best(deployment, model, None, short) if short else None
        if best is not None:
            _at_best(moves, prices, short, best.id, (f"{model}-or-{best.model}", model, best.model))
    if not moves.calls or moves.saving(traffic.days).month <= 0:
        return None
    alias, model, cheaper = moves.most()
    candidates = list(dict.fromkeys(one.model for one in prices.gateway.models.get(alias, ()))) or [model, cheaper]
    return Finding(
        kind="smart_routing",
        rule=RULE,
        summary=f"{moves.calls} calls named a model where an alias would have chosen; most of them {model}.",
        saving=moves.saving(traffic.days),
        total=moves.counted(traffic.days),
        evidence={"calls": moves.calls, "cost_nano_usd": moves.cost, "alias": alias, "from": model},
        examples=moves.shown(),
        yaml=routed(alias, candidates, model),
        groups=frozenset(moves.groups),
    )


def _direct(traffic: Traffic, prices: Prices) -> dict[str, list[Cell]]:
    """Calls that no router saw, by deployment; those that write nothing, such as embeddings, are not meant."""
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in traffic.cells:
        place = prices.deployments.get(cell.deployment)
        if place is not None and cell.complexity is None and cell.completion and cell.requested_model == place.model:
            found[cell.deployment].append(cell)
    return dict(sorted(found.items()))


def _aliases(traffic: Traffic, prices: Prices) -> dict[str, Shares]:
    """How the calls of each routed alias were spread over its deployments, the most used alias first."""
    spread: dict[str, Counter[str]] = defaultdict(Counter)
    for cell in traffic.cells:
        if cell.complexity is not None and cell.deployment in prices.deployments:
            spread[cell.requested_model][cell.deployment] += cell.calls
    found = {name: counts for name, counts in spread.items() if counts.total() >= _LEAST_ROUTED and len(counts) > 1}
    ordered = sorted(found, key=lambda name: (-found[name].total(), name))
    return {name: {id: calls / found[name].total() for id, calls in sorted(found[name].items())} for name in ordered}


def _as_routed(
    moves: Moves, prices: Prices, fitting: Fitting, cells: list[Cell], pair: tuple[str, str, str], shares: Shares
) -> None:
    for cell in cells:
        amounts = []
        for which in (None, 1, 0):
            cost = 0.0
            for id, share in shares.items():
                factor = (
                    1.0 if which is None or id == cell.deployment else fitting.spread(cell.deployment, id, None)[which]
                )
                there = prices.cost(id, Tokens.of(cell).answered_with(factor))
                cost += share * (cell.cost if id == cell.deployment or there is None else there)
            amounts.append(cell.cost - round(cost))
        moves.add(cell, pair, expected=amounts[0], cautious=amounts[1], bold=amounts[2])


def _at_best(moves: Moves, prices: Prices, cells: list[Cell], best: str, pair: tuple[str, str, str]) -> None:
    for cell in cells:
        saved = cell.cost - (prices.cost(best, Tokens.of(cell)) or 0)
        moves.add(cell, pair, expected=saved, cautious=0, bold=saved)
