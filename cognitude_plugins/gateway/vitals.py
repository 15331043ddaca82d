"""How each deployment is doing, as this process sees it: calls under way, failures, times to the head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp
from time import monotonic
from typing import Final

from hooks.vitals import State

from .breaker import Breaker
from .care import Care
from .gate import Gate
from .ledger.sketch import bucket, quantile

_DECAY_SECONDS: Final = 10.0
_HALF_SECONDS: Final = 60.0
_USUAL_SECONDS: Final = 1.0
_MOST_OWN: Final = 10_000


@dataclass(slots=True)
class Vital:
    """The `hooks.Vitals` of one deployment, with its breaker and, where calls at a time are limited, its gate."""

    breaker: Breaker = field(default_factory=Breaker)
    gate: Gate | None = None
    in_flight: int = 0
    seconds: float | None = None
    peak_seconds: float | None = None
    _seen: float = 0.0
    _usual: float | None = None
    _usual_until: float = 0.0
    _recent: Recent = field(default_factory=lambda: Recent())

    def answered(self, seconds: float) -> None:
        now = monotonic()
        weight = 1.0 if self.seconds is None else 1 - exp((self._seen - now) / _DECAY_SECONDS)
        mean = seconds if self.seconds is None else self.seconds + weight * (seconds - self.seconds)
        peak = self.peak_seconds
        self.peak_seconds = seconds if peak is None or seconds >= peak else peak + weight * (seconds - peak)
        self.seconds, self._seen = mean, now
        self._recent.add(now, int(seconds * 1e6))

    def failed(self) -> None:
        self._recent.add(monotonic(), None)

    @property
    def state(self) -> State:
        return self.breaker.state

    @property
    def error_rate(self) -> float:
        answered, failed = self._recent.counts(monotonic())
        return failed / (answered + failed) if failed else 0.0

    def usual(self, q: float, observations: int) -> float | None:
        """A quantile as `quantile` has it, up to a second old; None with fewer observations. For every call."""
        now = monotonic()
        if now >= self._usual_until:
            known = self._recent.counts(now)[0]
            self._usual = self.quantile(q) if known >= observations else None
            self._usual_until = now + _USUAL_SECONDS
        return self._usual

    def as_dict(self) -> dict[str, object]:
        """For ``/health``: times in seconds, of the last two minutes."""
        quantiles = {f"p{round(q * 100)}_seconds": self.quantile(q) for q in (0.5, 0.95, 0.99)}
        return {
            "state": self.state,
            "in_flight": self.in_flight,
            "queued": 0 if self.gate is None else self.gate.queued,
            "error_rate": round(self.error_rate, 4),
            **{name: None if seconds is None else round(seconds, 6) for name, seconds in quantiles.items()},
            "cooldown_seconds": round(self.breaker.wait, 3),
        }

    def quantile(self, q: float) -> float | None:
        found = quantile(self._recent.buckets(monotonic()), q)
        return None if found is None else found / 1e6


class Recent:
    """Of the last one to two minutes: how many failed, and how long the others took, in the buckets of `sketch`."""

    __slots__ = ("_before", "_failed", "_failed_before", "_now", "_until")

    def __init__(self) -> None:
        self._now: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._failed = self._failed_before = 0
        self._until = 0.0

    def add(self, now: float, took: int | None) -> None:
        if now >= self._until:
            self._turn(now)
        if took is None:
            self._failed += 1
        else:
            at = bucket(took)
            self._now[at] = self._now.get(at, 0) + 1

    def counts(self, now: float) -> tuple[int, int]:
        """Answered, failed."""
        if now >= self._until:
            self._turn(now)
        return sum(self._now.values()) + sum(self._before.values()), self._failed + self._failed_before

    def buckets(self, now: float) -> dict[int, int]:
        if now >= self._until:
            self._turn(now)
        if not self._before:
            return self._now
        merged = dict(self._before)
        for at, count in self._now.items():
            merged[at] = merged.get(at, 0) + count
        return merged

    def _turn(self, now: float) -> None:
        recent = now < self._until + _HALF_SECONDS
        self._before, self._failed_before = (self._now, self._failed) if recent else ({}, 0)
        self._now, self._failed = {}, 0
        self._until = now + _HALF_SECONDS


class VitalsBook:
    """By deployment id, and apart by the organization whose own credential is used: hers may be refused alone.

    Of those the least recently used are forgotten.
    """

    def __init__(self, cares: Mapping[str, Care] | None = None) -> None:
        self._cares = cares or {}
        self._vitals: dict[str, Vital] = {}
        self._own: dict[tuple[str, str], Vital] = {}

    def of(self, id: str, owner: str = "") -> Vital:
        if owner:
            return self._of_own((id, owner))
        found = self._vitals.get(id)
        if found is None:
            found = self._vitals[id] = self._new(id)
        return found

    def _new(self, id: str) -> Vital:
        care = self._cares.get(id) or Care()
        gate = None if care.concurrency.calls is None else Gate(care.concurrency)
        return Vital(breaker=Breaker(care.breaker), gate=gate)

    def _of_own(self, key: tuple[str, str]) -> Vital:
        found = self._own.pop(key, None) or self._new(key[0])
        if len(self._own) >= _MOST_OWN:
            del self._own[next(iter(self._own))]
        self._own[key] = found
        return found
