"""What the core notes down about one call while it is under way. Never leaves the core; an `Outcome` is made of it."""

from __future__ import annotations

from time import perf_counter, time_ns
from typing import Final

from hooks import Decision, Deployment, Reply

_MOST_TRIED: Final = 64


class Trace:
    """The mutable side of one call: times in seconds of `time.perf_counter`, decisions, attempts.

    ``arrived_ms`` is the wall clock's. ``deployment`` is the one that was asked last. ``unsure`` says that an attempt
    failed in a way that may have cost something. ``deadline`` is the total that the request itself gave, in seconds.
    ``tried`` are its attempts, and the deployments that were passed over: id, what came of it in a word, milliseconds.
    """

    __slots__ = (
        "arrived_ms",
        "attempts",
        "deadline",
        "decisions",
        "deployment",
        "first_byte",
        "provider_seconds",
        "reasons",
        "reply",
        "started",
        "step",
        "timings",
        "tried",
        "unsure",
    )

    def __init__(self) -> None:
        self.started = perf_counter()
        self.arrived_ms = time_ns() // 1_000_000
        self.unsure = False
        self.first_byte: float | None = None
        self.provider_seconds = 0.0
        self.attempts = 0
        self.deadline: float | None = None
        self.tried: list[tuple[str, str, int]] = []
        self.deployment: Deployment | None = None
        self.reasons: tuple[str, ...] = ()
        self.decisions: list[Decision] = []
        self.step = 0
        self.reply: Reply | None = None
        self.timings: dict[str, float] | None = None

    def seconds(self) -> float:
        return perf_counter() - self.started

    def fork(self) -> Trace:
        """For an attempt beside this one: the same clock and deadline, nothing tried."""
        trace = Trace()
        trace.started, trace.arrived_ms, trace.deadline = self.started, self.arrived_ms, self.deadline
        return trace

    def note(self, deployment: str, outcome: str, seconds: float) -> None:
        """What came of an attempt, or why there was none."""
        if len(self.tried) < _MOST_TRIED:
            self.tried.append((deployment, outcome, round(seconds * 1000)))

    def attempts_text(self) -> str:
        """All that was tried: ``m status_503 12; m#2 ok 340``, times in milliseconds."""
        return "; ".join(f"{deployment} {outcome} {took}" for deployment, outcome, took in self.tried)

    def spend(self, name: str, seconds: float) -> None:
        """Add to what ``name`` has taken so far, for ``Server-Timing``."""
        if self.timings is not None:
            self.timings[name] = self.timings.get(name, 0.0) + seconds

    def server_timing(self) -> str:
        """The W3C ``Server-Timing`` value, durations in milliseconds."""
        timings = self.timings or {}
        rows = [*timings.items(), ("provider", self.provider_seconds), ("total", self.seconds())]
        return ", ".join(f"{_token(name)};dur={seconds * 1000:.3f}" for name, seconds in rows)


def _token(name: str) -> str:
    return "".join(char if (char.isascii() and char.isalnum()) or char in "-_." else "_" for char in name)
