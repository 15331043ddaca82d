"""How slow a deployment's answers are: what this worker has seen, looked up once a second."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from hooks import Deployment, Gateway

_KEPT_SECONDS: Final = 1.0
Q: Final = 0.95


class Latencies:
    """Seconds within which 95 of 100 answers came; None as long as none has been seen."""

    def __init__(self, gateway: Gateway, clock: Callable[[], float] = monotonic) -> None:
        self._gateway = gateway
        self._clock = clock
        self._seen: dict[str, tuple[float, float | None]] = {}

    def slow(self, deployment: Deployment) -> float | None:
        now = self._clock()
        before = self._seen.get(deployment.id)
        if before is None or now - before[0] >= _KEPT_SECONDS:
            before = self._seen[deployment.id] = (now, self._gateway.vitals(deployment).quantile(Q))
        return before[1]
