"""What is done about a deployment that fails, is slow or is full: plain values, made of the settings."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """``most``: how often one deployment is tried again in one call, after all others. The pause before is drawn below
    ``base_seconds`` and twice as much each time; none is longer than ``longest_seconds``, Retry-After included.

    ``other_on_refusal``: whether a refusal for its content goes to another provider.
    """

    most: int = 1
    base_seconds: float = 0.25
    longest_seconds: float = 10.0
    budget_percent: float = 20.0
    budget_per_second: float = 10.0
    other_on_refusal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """Opens after so many ``failures`` in a row, or when of at least ``calls`` in ``window_seconds`` the share
    ``error_rate`` failed; then for ``cooldown_seconds`` and twice as long each time, up to the longest."""

    enabled: bool = True
    failures: int = 5
    error_rate: float = 0.5
    calls: int = 20
    window_seconds: float = 30.0
    cooldown_seconds: float = 5.0
    longest_cooldown_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """At most so many ``calls`` at a time; so many more may wait, so long. None is no limit."""

    calls: int | None = None
    queue: int = 16
    wait_seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """A second attempt after the deployment's own ``quantile`` of seconds, once ``observations`` are known."""

    enabled: bool = False
    quantile: float = 0.95
    observations: int = 50
    budget_percent: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """Of one deployment."""

    retries: Retries = field(default_factory=Retries)
    breaker: BreakerRules = field(default_factory=BreakerRules)
    concurrency: Concurrency = field(default_factory=Concurrency)
    hedging: Hedging = field(default_factory=Hedging)


NO_CARE = Care(retries=Retries(most=0), breaker=BreakerRules(enabled=False))
"""Each call goes there as it came, once."""
