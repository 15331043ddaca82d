"""How a deployment is doing and what it can do: what routers choose by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

State = Literal["closed", "half_open", "open"]
"""Of a circuit breaker: ``closed`` lets calls through, ``open`` none, ``half_open`` one, to see."""

CAPABILITIES: Final = frozenset({"tools", "vision", "json_schema", "reasoning", "audio", "pdf", "prompt_caching"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a deployment can do, from its entry's ``info`` and from LiteLLM's map. None is unknown, which is not no.

    ``context_tokens`` is how long prompt and answer together may be, ``output_tokens`` the answer alone;
    ``capabilities`` are of `CAPABILITIES`.
    """

    context_tokens: int | None = None
    output_tokens: int | None = None
    capabilities: frozenset[str] | None = None

    def can(self, capability: str) -> bool | None:
        return None if self.capabilities is None else capability in self.capabilities


class Vitals(Protocol):
    """How a deployment is doing as this process has seen it, as of now: to be asked again for each call.

    Seconds are from sending a request to the head of its answer: of a stream to the first token, of a whole answer
    nearly to its end. None as long as nothing has been seen.
    """

    @property
    def state(self) -> State: ...

    @property
    def in_flight(self) -> int:
        """Calls under way, streams until their end."""
        ...

    @property
    def error_rate(self) -> float:
        """The share of recent attempts that failed, 0 … 1; 0 without any."""
        ...

    @property
    def seconds(self) -> float | None:
        """An exponentially weighted mean over some ten seconds."""
        ...

    @property
    def peak_seconds(self) -> float | None:
        """The same, but up at once with every slower answer and down only slowly (peak-EWMA, as Finagle has it)."""
        ...

    def quantile(self, q: float) -> float | None:
        """Seconds at ``q`` in 0 … 1 over the last minutes, within 2 %."""
        ...


@dataclass(slots=True, kw_only=True)
class FakeVitals:
    """`Vitals` of one's own choosing, for tests. Every quantile is ``at``, or ``seconds`` without it."""

    state: State = "closed"
    in_flight: int = 0
    error_rate: float = 0.0
    seconds: float | None = None
    peak_seconds: float | None = None
    at: float | None = None

    def quantile(self, q: float) -> float | None:
        return self.seconds if self.at is None else self.at
