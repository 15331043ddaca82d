"""A gateway with a small and a large model behind ``auto``, for the router's tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hooks import Call, Deployment, Plan, Traits
from hooks.testing import FakeGateway, make_call


def deployment(model: str, **info: Any) -> Deployment:
    return Deployment(id=model, model=model, provider="openai", upstream_model=model, transport="direct", info=info)


LARGE: Final = deployment("large")
SMALL: Final = deployment("small")
PLAN: Final = Plan(deployments=(LARGE, SMALL))
MODELS: Final[Mapping[str, tuple[Deployment, ...]]] = {
    "auto": (LARGE, SMALL),
    "large": (LARGE,),
    "small": (SMALL,),
    "judge": (deployment("judge"),),
}
PRICES: Final = {"large": (2500, 10_000), "small": (150, 600)}
TRAITS: Final = {"small": Traits(capabilities=frozenset({"tools"}), context_tokens=100)}


def gateway(**lent: Any) -> FakeGateway:
    return FakeGateway(**{"models": MODELS, "prices": PRICES, "fake_traits": TRAITS, **lent})


def ask(text: str = "What is 2 + 2?", **fields: Any) -> Call:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}
    return make_call(body)
