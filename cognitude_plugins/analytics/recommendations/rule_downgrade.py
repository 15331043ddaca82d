"""Model downgrade: calls that the router finds simple or medium, and a cheaper model of this gateway serves."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from .cells import Cell, Traffic
from .finding import Finding, Owned
from .fitting import Fitting
from .moves import Moves
from .pricing import Prices, Tokens
from .snippets import routed, stated

RULE: Final = (
    "Calls of complexity simple or medium are priced anew, with the same tokens, at the cheapest model that is behind "
    "their alias or has served 20 such calls of this organization, and is not known to lack what their model can do."
)
_CLASSES: Final = ("simple", "medium")
_STATED: Final = 0.95


def model_downgrade(traffic: Traffic, prices: Prices, owned: Owned) -> Finding | None:
    """The cautious amount takes the cheaper model's answers to be longer, as they are or by a quarter."""
    moves, fitting = Moves(owned=owned), Fitting.of(traffic, prices)
    for (deployment, asked, complexity), cells in _classed(traffic).items():
        best = fitting.best(deployment, asked, complexity, cells)
        if best is None:
            continue
        pair = asked, prices.deployments[deployment].model, best.model
        bold, cautious = fitting.spread(deployment, best.id, complexity)
        for cell in cells:
            expected, less, more = (
                cell.cost - (prices.cost(best.id, Tokens.of(cell).answered_with(factor)) or 0)
                for factor in (1.0, cautious, bold)
            )
            moves.add(cell, pair, expected=expected, cautious=less, bold=more)
    if not moves.calls:
        return None
    asked, model, cheaper = moves.most()
    return Finding(
        kind="model_downgrade",
        rule=RULE,
        summary=f"{moves.calls} simple and medium calls went to a dearer model than needed, most to {model} where "
        f"{cheaper} serves such calls.",
        saving=moves.saving(traffic.days),
        total=moves.counted(traffic.days),
        evidence={"calls": moves.calls, "cost_nano_usd": moves.cost, "from": model, "to": cheaper},
        examples=moves.shown(),
        yaml=_yaml(prices, asked, model, cheaper),
        groups=frozenset(moves.groups),
    )


def _classed(traffic: Traffic) -> dict[tuple[str, str, str], list[Cell]]:
    found: dict[tuple[str, str, str], list[Cell]] = defaultdict(list)
    for cell in traffic.cells:
        if cell.complexity in _CLASSES:
            found[cell.deployment, cell.requested_model, cell.complexity].append(cell)
    return dict(sorted(found.items()))


def _yaml(prices: Prices, asked: str, model: str, cheaper: str) -> str:
    """Of an alias that has both, the router is told that the cheaper one is good."""
    if {model, cheaper} <= {one.model for one in prices.gateway.models.get(asked, ())}:
        return stated(asked, model, {cheaper: _STATED})
    return routed(f"{model}-or-{cheaper}", (model, cheaper), model)
