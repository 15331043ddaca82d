"""A gateway in memory, for testing plugins that are lent one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .call import Call
from .gateway import Ledger, Redis
from .ledger_fake import FakeLedger
from .plan import Deployment
from .reply import Reply
from .usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeGateway:
    """A `Gateway` that lends what it is made with.

    ``time_zones`` are by organization; ``prices`` by a deployment's id, nano-dollars for a token of the prompt and for
    one of the answer. There is no database and no Redis unless the test gives one.
    """

    version: str = "0"
    data_dir: Path = Path()
    models: Mapping[str, tuple[Deployment, ...]] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=FakeLedger)
    database: Any = None
    redis: Redis | None = None
    cache: Redis | None = None
    workers: int = 1
    time_zones: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def time_zone(self, organization: str) -> str:
        return self.time_zones.get(organization, "UTC")

    def prompt_tokens(self, call: Call) -> int:
        """A quarter of the body's bytes."""
        return max(1, len(call.payload.raw) // 4)

    def cost(self, deployment: Deployment, usage: Usage) -> int | None:
        price = self.prices.get(deployment.id)
        return None if price is None else usage.prompt_tokens * price[0] + usage.completion_tokens * price[1]

    async def serve(self, call: Call) -> Reply:
        """Raises ``NotImplementedError``: there is nothing behind it."""
        raise NotImplementedError("a FakeGateway has no pipeline to send a call through")
