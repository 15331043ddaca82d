"""A gateway in memory, for testing plugins that are lent one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .call import Call
from .ceiling import Ceilings
from .gateway import Ledger, Redis, Secrets
from .ledger_fake import FakeLedger
from .metric import Metric, Section
from .plan import Deployment
from .reply import Reply
from .usage import Usage
from .vitals import FakeVitals, Traits, Vitals


class FakeSecrets:
    """Hides nothing but from a search for the plain text: it is written backwards, behind whose and what it is."""

    def seal(self, organization: str, about: str, plain: str) -> str:
        return f"{organization}|{about}|{plain[::-1]}"

    def unseal(self, organization: str, about: str, sealed: str) -> str:
        place = f"{organization}|{about}|"
        if not sealed.startswith(place):
            raise ValueError("it belongs elsewhere")
        return sealed.removeprefix(place)[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeGateway:
    """A `Gateway` that lends what it is made with.

    ``time_zones`` are by organization; ``prices`` by a deployment's id, nano-dollars for a token of the prompt and for
    one of the answer; ``fake_vitals`` and ``fake_traits`` by a deployment's id. There is no database, no Redis and no
    way out unless the test gives one. ``answer`` is what `serve` sends calls to.
    """

    version: str = "0"
    data_dir: Path = Path()
    models: Mapping[str, tuple[Deployment, ...]] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=FakeLedger)
    database: Any = None
    redis: Redis | None = None
    cache: Redis | None = None
    workers: int = 1
    outbound: Any = None
    secrets: Secrets = field(default_factory=FakeSecrets)
    ceilings: Ceilings = field(default_factory=Ceilings)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    time_zones: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    fake_vitals: dict[str, Vitals] = field(default_factory=dict)
    fake_traits: Mapping[str, Traits] = field(default_factory=dict)
    answer: Callable[[Call, Mapping[str, str]], Awaitable[Reply]] | None = None

    def organizations(self) -> tuple[str, ...]:
        """Those that have a time zone."""
        return tuple(self.time_zones)

    def time_zone(self, organization: str) -> str:
        return self.time_zones.get(organization, "UTC")

    def prompt_tokens(self, call: Call) -> int:
        """A quarter of the body's bytes."""
        return max(1, len(call.payload.raw) // 4)

    def cost(self, deployment: Deployment, usage: Usage) -> int | None:
        price = self.prices.get(deployment.id)
        return None if price is None else usage.prompt_tokens * price[0] + usage.completion_tokens * price[1]

    def vitals(self, deployment: Deployment) -> Vitals:
        """Nothing seen yet, for one that ``fake_vitals`` does not have."""
        return self.fake_vitals.setdefault(deployment.id, FakeVitals())

    def traits(self, deployment: Deployment) -> Traits:
        return self.fake_traits.get(deployment.id, Traits())

    async def serve(self, call: Call, *, tags: Mapping[str, str] | None = None) -> Reply:
        """What ``answer`` says to the call and its tags. Raises ``NotImplementedError`` without one."""
        if self.answer is None:
            raise NotImplementedError("a FakeGateway has no pipeline to send a call through unless it is given one")
        return await self.answer(call, tags or {})
