"""What one decision of the balancer costs in process, for each strategy: ``python -m tests.bench.balancing``.

Over four deployments that have each answered 300 calls; prompts are estimated and prices worked out as in the gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final

from cognitude_plugins.balancer.plugin import Balancer
from cognitude_plugins.balancer.settings import Config
from cognitude_plugins.gateway.ledger.prompt_estimate import prompt_estimate
from cognitude_plugins.gateway.prices import Price
from cognitude_plugins.gateway.vitals import Vital
from hooks import Call, Deployment, Plan, Usage
from hooks.testing import FakeGateway, make_call

_ARMS: Final = [{"name": "a", "deployment": "m"}, {"name": "b", "deployment": "m#2"}]
RULES: Final[Mapping[str, Mapping[str, Any]]] = {
    "weighted": {"strategy": "weighted"},
    "round_robin": {"strategy": "round_robin"},
    "least_busy": {"strategy": "least_busy"},
    "latency, peak_ewma": {"strategy": "latency"},
    "latency, ewma": {"strategy": "latency", "measure": "ewma"},
    "latency, p95": {"strategy": "latency", "measure": "p95"},
    "cost": {"strategy": "cost"},
    "region": {"strategy": "region", "regions": ["eu", "us"]},
    "sticky by user": {"strategy": "sticky"},
    "sticky by conversation": {"strategy": "sticky", "by": "conversation"},
    "experiment": {"strategy": "experiment", "experiment": {"name": "x", "arms": _ARMS}},
    "canary": {"strategy": "canary", "canary": {"deployment": "m#2", "by": "call", "steps": [{"share": 0.5}]}},
    "least_busy with when": {"strategy": "least_busy", "when": "call.model == 'm' && caller.user != ''"},
}
_ROUNDS: Final = 7
_CALLS: Final = 3000


class _Priced(FakeGateway):
    def prompt_tokens(self, call: Call) -> int:
        return prompt_estimate(call.api, call.payload.peek())

    def cost(self, deployment: Deployment, usage: Usage) -> int | None:
        return _PRICE.cost(usage)


_PRICE: Final = Price(input=150, output=600)


async def microseconds(rule: Mapping[str, Any]) -> float:
    """Of one call of the hook, the best of some rounds."""
    fleet = tuple(
        Deployment(id=id, model="m", provider="simulated", upstream_model="echo", transport="simulated")
        for id in ("m", "m#2", "m#3", "m#4")
    )
    plugin = Balancer(Config.model_validate({"rules": [rule]}))
    gateway = _Priced(models={"m": fleet}, fake_vitals={one.id: _seen() for one in fleet})
    call = make_call({"model": "m", "messages": [{"role": "user", "content": "Hello"}]}, user="ada")
    plan, best = Plan(deployments=fleet), float("inf")
    async with plugin.lifespan(gateway):
        for _ in range(_ROUNDS):
            began = perf_counter()
            for _ in range(_CALLS):
                await plugin.route(call, plan)
            best = min(best, (perf_counter() - began) / _CALLS * 1e6)
    return best


def _seen() -> Vital:
    vital = Vital()
    for number in range(300):
        vital.answered(0.1 + number / 10_000)
    return vital


def main() -> None:
    for name, rule in RULES.items():
        print(f"{name:24}{asyncio.run(microseconds(rule)):6.1f} us")


if __name__ == "__main__":
    main()
