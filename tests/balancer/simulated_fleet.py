"""A fleet in simulated time: calls arrive at random, wait for one of a deployment's places, and take what they take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import exp
from random import Random

from cognitude_plugins.balancer.fleet import Fleet
from cognitude_plugins.balancer.orders import Order
from hooks.testing import FakeGateway, FakeVitals

from .fleets import M, asked


class Watched(FakeVitals):
    """What the contract says of vitals, of the answers seen so far."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._seen = 0.0
        self._recent: deque[tuple[float, float]] = deque()

    def answered(self, took: float) -> None:
        now = self._clock()
        weight = 1.0 if self.seconds is None else 1 - exp((self._seen - now) / 10)
        self.seconds = took if self.seconds is None else self.seconds + weight * (took - self.seconds)
        peak = self.peak_seconds
        self.peak_seconds = took if peak is None or took >= peak else peak + weight * (took - peak)
        self._seen = now
        self._recent.append((now, took))

    def quantile(self, q: float) -> float | None:
        while self._recent and self._recent[0][0] < self._clock() - 120:
            self._recent.popleft()
        if not self._recent:
            return None
        seconds = sorted(took for _, took in self._recent)
        return seconds[int(q * (len(seconds) - 1))]


@dataclass(slots=True)
class Place:
    """One deployment: ``slow`` is how many times as long as the others it takes."""

    vitals: Watched
    slow: float = 1.0
    free: int = 8
    waiting: deque[float] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Answer:
    """When a call arrived, how long it took in all, and where."""

    at: float
    took: float
    where: int


class Simulation:
    """Four deployments of eight places and 0.1 s each, 80 calls a second: a quarter of what all of them can do."""

    def __init__(self, seed: int, slow: dict[int, float]) -> None:
        self.now = 0.0
        self.random = Random(seed)
        self.places = [Place(Watched(self.clock), slow.get(index, 1.0)) for index in range(4)]
        vitals = {one.id: place.vitals for one, place in zip(M, self.places, strict=True)}
        self.fleet = Fleet(FakeGateway(fake_vitals=dict(vitals)))
        self.answers: list[Answer] = []
        self._ends: list[tuple[float, int, float]] = []

    def clock(self) -> float:
        return self.now

    def run(self, order: Order, *, until: float, rate: float = 80.0) -> list[Answer]:
        """The answers of the calls that arrive before ``until`` seconds, all of which are waited for."""
        call, begun = asked(), len(self.answers)
        arrival = self.now + self.random.expovariate(rate)
        while arrival < until:
            self._go_to(arrival)
            where = M.index(order.of(call, M, counts=True)[0])
            self._arrive(where)
            arrival = self.now + self.random.expovariate(rate)
        while self._ends:
            self._go_to(self._ends[0][0])
        return self.answers[begun:]

    def _arrive(self, where: int) -> None:
        place = self.places[where]
        place.vitals.in_flight += 1
        if place.free:
            self._begin(where, self.now)
        else:
            place.waiting.append(self.now)

    def _begin(self, where: int, arrived: float) -> None:
        place = self.places[where]
        place.free -= 1
        takes = self.random.lognormvariate(-0.08, 0.4) * 0.1 * place.slow
        heappush(self._ends, (self.now + takes, where, arrived))

    def _go_to(self, time: float) -> None:
        while self._ends and self._ends[0][0] <= time:
            self.now, where, arrived = heappop(self._ends)
            place = self.places[where]
            place.free += 1
            place.vitals.in_flight -= 1
            place.vitals.answered(self.now - arrived)
            self.answers.append(Answer(arrived, self.now - arrived, where))
            if place.waiting:
                self._begin(where, place.waiting.popleft())
        self.now = time


def p95(answers: list[Answer]) -> float:
    seconds = sorted(one.took for one in answers)
    return seconds[int(0.95 * len(seconds))]
