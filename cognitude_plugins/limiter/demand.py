"""What a call is expected to use before it is made, and what it did use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hooks import Call, Deployment, Gateway, Outcome, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """``cost`` in nano-dollars; 0 when no price is known.

    The others are what budgets go by: ``needed`` is for what they must have room, ``held`` what they keep from other
    calls until it is known what this one cost.
    """

    prompt: int = 0
    completion: int = 0
    cost: int = 0
    needed: int = 0
    held: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt + self.completion

    def amount(self, unit: str) -> int:
        """How much of a limit of this unit it takes."""
        if unit == "tokens":
            return self.tokens
        return self.cost if unit == "cost_usd" else 1


NOTHING = Demand()


def demand_of(call: Call, gateway: Gateway, deployments: Sequence[Deployment], cap: int) -> Demand:
    """The prompt's tokens by an estimate, and ``min(max_tokens, cap)`` for each choice that is asked for.

    The cost is that of the dearest of the deployments which have a price.
    """
    prompt = gateway.prompt_tokens(call)
    completion = 0 if call.api == "embeddings" else _completion(call.payload.peek(), cap)
    usage = Usage(prompt_tokens=prompt, completion_tokens=completion, reported=False)
    costs = [cost for one in deployments if (cost := gateway.cost(one, usage)) is not None]
    return Demand(prompt=prompt, completion=completion, cost=max(costs, default=0))


def _completion(body: Mapping[str, Any], cap: int) -> int:
    asked = [body.get(name) for name in ("max_completion_tokens", "max_tokens", "max_output_tokens")]
    most = min([cap, *(number for number in asked if type(number) is int and number >= 0)])
    choices = max([1, *(number for name in ("n", "best_of") if type(number := body.get(name)) is int)])
    return most * choices


def used(outcome: Outcome, reserved: Demand) -> tuple[int, int]:
    """Tokens and nano-dollars that the call came to in the end.

    Where no provider was called nothing was used, whatever the answer says: it is from a cache, or an error. Where a
    provider was called and nobody knows what it used, that counts which was reserved.
    """
    if outcome.deployment is None:
        return 0, 0
    usage, cost = outcome.usage, outcome.cost_nano_usd
    if usage is not None:
        tokens = usage.prompt_tokens + usage.completion_tokens
    else:
        tokens = 0 if outcome.status >= 400 else reserved.tokens
    if cost is None:
        cost = reserved.cost if tokens else 0
    return tokens, cost
