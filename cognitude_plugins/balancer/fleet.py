"""The deployments as strategies see them: weights, vitals and prices, each looked up once where it stays the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final

from hooks import Call, Deployment, Gateway, Usage, Vitals

_ANSWER_FIELDS: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")
UNKNOWN: Final = float("inf")


class Fleet:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._vitals: dict[str, Vitals] = {}

    def vitals(self, deployment: Deployment) -> Vitals:
        found = self._vitals.get(deployment.id)
        if found is None:
            found = self._vitals[deployment.id] = self._gateway.vitals(deployment)
        return found

    def is_open(self, deployment: Deployment) -> bool:
        found = self._vitals.get(deployment.id)
        return (self.vitals(deployment) if found is None else found).state == "open"

    def costs(self, call: Call, among: Iterable[Deployment], completion_tokens: int) -> list[float]:
        """Nano-dollars of this call at each, its answer being as long as that or its own limit; infinite if unknown."""
        gateway = self._gateway
        usage = Usage(
            prompt_tokens=gateway.prompt_tokens(call),
            completion_tokens=min(completion_tokens, _limit(call.payload.peek(), completion_tokens)),
        )
        costs = (gateway.cost(deployment, usage) for deployment in among)
        return [UNKNOWN if cost is None else cost for cost in costs]


class Weights:
    """By deployment id: those of the rule, else ``info.weight``, else 1."""

    def __init__(self, own: Mapping[str, float]) -> None:
        self._known = dict(own)

    def of(self, deployment: Deployment) -> float:
        found = self._known.get(deployment.id)
        if found is None:
            found = self._known[deployment.id] = weight_in(deployment.info) or 1.0
        return found


def weight_in(info: Mapping[str, Any]) -> float | None:
    """Of an entry's ``info``; None without one. Raises ``ValueError`` for what is no weight."""
    weight = info.get("weight")
    if weight is None:
        return None
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not isfinite(weight) or weight <= 0:
        raise ValueError(f"info.weight is a number above 0, not {weight!r}")
    return float(weight)


def _limit(body: Mapping[str, Any], otherwise: int) -> int:
    for name in _ANSWER_FIELDS:
        value = body.get(name)
        if type(value) is int and value >= 0:
            return value
    return otherwise
