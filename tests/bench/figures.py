"""From rounds to figures: medians, what a subject adds, and the ratios that are promised. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from .measure import Sample
from .scenarios import ASKED, BURST, OTHER, PACED, SATURATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One subject in one round. ``samples`` by the scenario's name."""

    ready_seconds: float
    memory_mb: float
    samples: Mapping[str, Sample] = field(default_factory=dict)


Round = Mapping[str, Visit]
"""By the subject's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value that was measured several times."""

    median: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Figure | None:
        """None of nothing."""
        found = list(values)
        return cls(median=median(found), low=min(found), high=max(found), runs=len(found)) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A promise and what was measured. ``limit`` is the most it may be, or the least if ``at_least``."""

    name: str
    figure: Figure
    limit: float
    at_least: bool = False

    @property
    def kept(self) -> bool:
        return self.figure.median >= self.limit if self.at_least else self.figure.median <= self.limit


def across(rounds: Sequence[Round], value: Callable[[Round], float]) -> Figure | None:
    """One value of each round in which everything it needs was measured."""
    found = []
    for one in rounds:
        try:
            found.append(value(one))
        except KeyError:
            continue
    return Figure.of(found)


def of_sample(subject: str, scenario: str, field_name: str) -> Callable[[Round], float]:
    return lambda one: float(getattr(one[subject].samples[scenario], field_name))


def added(subject: str, scenario: str, field_name: str) -> Callable[[Round], float]:
    """Over calling the upstream directly, in the same round."""
    own, base = of_sample(subject, scenario, field_name), of_sample("direct", scenario, field_name)
    return lambda one: own(one) - base(one)


def _cpu(subject: str, scenario: str = SATURATED.name) -> Callable[[Round], float]:
    return of_sample(subject, scenario, "cpu_us")


def _over_floor(subject: str, base: str, scenario: str = SATURATED.name) -> Callable[[Round], float]:
    """What ``subject`` adds to ``base``, as a multiple of a whole request on the floor."""
    return lambda one: (_cpu(subject, scenario)(one) - _cpu(base, scenario)(one)) / _cpu("floor")(one)


def _on_the_way(subject: str, base: str) -> Callable[[Round], float]:
    """The same of the event loop's thread alone."""

    def share(one: Round) -> float:
        own, other, floor = (of_sample(name, SATURATED.name, "loop_us")(one) for name in (subject, base, "floor"))
        return (own - other) / floor

    return share


def _times(subject: str, base: str, scenario: str = SATURATED.name) -> Callable[[Round], float]:
    return lambda one: _cpu(subject, scenario)(one) / _cpu(base, scenario)(one)


Promises = Sequence[tuple[str, Callable[[Round], float], float, bool]]
"""Name, value in a round, limit, and whether the limit is a lower one."""

PROMISES: Final[Promises] = (
    ("empty pipeline: CPU per request, times the floor", _times("empty", "floor"), 1.4, False),
    ("empty pipeline: requests per core, times LiteLLM", _times("litellm", "empty"), 45, True),
    ("auth and accounting: CPU added, share of the floor", _over_floor("empty", "unaccounted"), 0.20, False),
    ("the same without the writer's thread", _on_the_way("empty", "unaccounted"), 0.20, False),
    ("ten no-op plugins: CPU added, share of the floor", _over_floor("noop10", "empty"), 0.10, False),
    ("limiter in the process: CPU added, share of the floor", _over_floor("limited", "empty"), 0.08, False),
    ("a refusal from memory: CPU added, share of the floor", _over_floor("refused", "turned-away"), 0.05, False),
    ("relayed stream at a pace: CPU, times the floor", _times("empty", "floor", PACED.name), 1.35, False),
    ("relayed stream in a burst: CPU, times the floor", _times("empty", "floor", BURST.name), 1.35, False),
    ("the same, usage asked for: CPU, times the floor", _times("empty", "floor", ASKED.name), 1.35, False),
    ("middleware, model call: CPU added, times the floor", _over_floor("middleware", "bare"), 0.4, False),
    (
        "middleware, another path: CPU added, times the floor",
        _over_floor("middleware", "bare", OTHER.name),
        0.03,
        False,
    ),
    ("ready: seconds to the first answered call", lambda one: one["empty"].ready_seconds, 1.0, False),
    ("ready: share of LiteLLM's", lambda one: one["empty"].ready_seconds / one["litellm"].ready_seconds, 0.2, False),
    ("memory under load: MB", lambda one: one["empty"].memory_mb, 100.0, False),
    ("memory: share of LiteLLM's", lambda one: one["empty"].memory_mb / one["litellm"].memory_mb, 1 / 3, False),
)
"""The bounds the project set itself."""


def ratios(rounds: Sequence[Round], promises: Promises = PROMISES) -> list[Ratio]:
    """Those for which everything was measured. Each is taken within a round, then the median over the rounds."""
    found = []
    for name, value, limit, at_least in promises:
        figure = across(rounds, value)
        if figure is not None:
            found.append(Ratio(name=name, figure=figure, limit=limit, at_least=at_least))
    return found
