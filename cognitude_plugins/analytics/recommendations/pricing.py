"""What calls would have cost elsewhere, from the sums of their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hooks import Deployment, Gateway, Usage

from .cells import Cell


class Tokens(NamedTuple):
    """Sums over ``calls``. Cached and written tokens are parts of the prompt's, reasoning tokens of the completion."""

    calls: int
    prompt: int
    completion: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0

    @classmethod
    def of(cls, cell: Cell) -> Tokens:
        return cls(cell.calls, cell.prompt, cell.completion, cell.cached, cell.written, cell.reasoning)

    def answered_with(self, factor: float) -> Tokens:
        """With answers so many times as long."""
        return self._replace(completion=round(self.completion * factor), reasoning=round(self.reasoning * factor))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Of a gateway, by deployment id. A price is linear in tokens within a tier, so it is asked for the mean call, and
    what each kind of token adds to it for the remainders: sums that are of one tier come out exact but for rounding.
    """

    gateway: Gateway
    deployments: dict[str, Deployment]

    @classmethod
    def at(cls, gateway: Gateway) -> Prices:
        found = {one.id: one for several in gateway.models.values() for one in several}
        return cls(gateway=gateway, deployments=found)

    def cost(self, deployment: str, tokens: Tokens) -> int | None:
        """Nano-dollars of all the calls together; None where the price is not known or the deployment is gone."""
        place = self.deployments.get(deployment)
        if place is None or not tokens.calls:
            return None if place is None else 0
        parts = [divmod(one, tokens.calls) for one in tokens[1:]]
        mean = [part[0] for part in parts]
        base = self.gateway.cost(place, _usage(mean))
        if base is None:
            return None
        total = tokens.calls * base
        for number, (_, left) in enumerate(parts):
            if left:
                more = self.gateway.cost(place, _usage([*mean[:number], mean[number] + 1, *mean[number + 1 :]]))
                total += 0 if more is None else left * (more - base)
        return total


def _usage(mean: list[int]) -> Usage:
    prompt, completion, cached, written, reasoning = mean
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
    )
