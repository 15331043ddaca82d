"""What this worker knows of models, out of the database and on its way there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from math import sqrt
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from hooks import EVERY_ORGANIZATION, Database, Unavailable

from . import stored
from .candidates import Candidate
from .features import Features
from .gain import NO_CELL, NO_RATING, STRONG, Cell, Loss, Rating, posterior
from .stored import Changes, Label, Pair, Place, RatingPlace
from .study import Study

log: Final = logging.getLogger("cognitude.complexity_router")

_MOST_WAITING: Final = 10_000
_AT_ONCE: Final = 500
_DRIFT: Final = 3.0
"""Standard deviations."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Learned:
    """Labels go to the database behind the calls and are known here from the moment they are given to `put`; what other
    workers learned is known after the next `refresh`."""

    def __init__(self, now: Callable[[], int] = now_ms, *, from_prompts: bool = False) -> None:
        self.cells: dict[Place, Cell] = {}
        self.ratings: dict[RatingPlace, Rating] = {}
        self.studies: dict[Pair, Study] = {}
        self.dropped = 0
        self.up = True
        self._now = now
        self._from_prompts = from_prompts
        self._made: dict[Pair, int] = {}
        self._one_at_a_time = asyncio.Lock()
        self._waiting: deque[Label] = deque()
        self._sent: list[Label] = []
        self._drifted: frozenset[Pair] = frozenset()
        self._seen_ms = 0

    def put(self, label: Label) -> None:
        """Dropped, and counted, when too many wait already."""
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(label)
        self.cells[label.place] = self.cells.get(label.place, NO_CELL).with_label(label.loss)

    def loss(
        self, organization: str, candidate: Candidate, reference: Candidate, task: str, prior: float = 0.0
    ) -> Loss:
        """Of a model of which nothing was published it is taken that it loses ``prior`` to the reference."""
        strong = STRONG if reference.quality is None else reference.quality
        weak = max(0.0, min(1.0, strong - prior)) if candidate.quality is None else candidate.quality
        place = Place(organization=organization, candidate=candidate.model, reference=reference.model, task=task)
        return posterior(
            self.cells.get(place, NO_CELL),
            candidate=weak,
            reference=strong,
            rated=self._rated(organization, candidate.model, task),
            reference_rated=self._rated(organization, reference.model, task),
        )

    def allowed(
        self, organization: str, candidate: str, reference: str, features: Features, floor: float
    ) -> bool | None:
        """What was learned of single prompts says; None where nothing was, or no longer holds."""
        if not self.studies:
            return None
        pair = Pair(organization, candidate, reference)
        found = self.studies.get(pair)
        return None if found is None or pair in self._drifted else found.allows(features, floor)

    def _drifted_now(self) -> Iterator[Pair]:
        """Of which the candidate loses clearly more than it did when that was learned."""
        sums: dict[Pair, list[float]] = {pair: [0.0, 0.0, 0.0] for pair in self.studies}
        for place, cell in self.cells.items():
            into = sums.get(Pair(place.organization, place.candidate, place.reference))
            if into is not None:
                into[:] = (into[0] + cell.losses, into[1] + cell.wins, into[2] + cell.ties)
        for pair, (lost, won, tied) in sums.items():
            count = lost + won + tied
            if count and (lost - won) / count - self.studies[pair].weights.gain > _DRIFT * sqrt(lost + won + 1) / count:
                yield pair

    async def refresh(self, database: Database) -> None:
        """Write what waits, and read what has changed. Without a database both are done the next time."""
        async with self._one_at_a_time:
            try:
                await self._flush(database)
                since = self._seen_ms
                found = await database.read(EVERY_ORGANIZATION, lambda one: stored.changes(one, since))
                self._take(found, await self._studied(found))
            except Unavailable as error:
                if self.up:
                    log.warning("the router learns nothing for now: %s", error)
                self.up = False
                return
            self.up = True

    async def _studied(self, found: Changes) -> dict[Pair, Study]:
        """What was learned of single prompts since the last time, where it is wanted."""
        if not self._from_prompts:
            return {}
        fresh = {pair: packed for pair, (made, packed) in found.weights.items() if self._made.get(pair) != made}
        self._made |= {pair: found.weights[pair][0] for pair in fresh}
        return await asyncio.to_thread(_studies, fresh) if fresh else {}

    def _rated(self, organization: str, model: str, task: str) -> Rating:
        if not self.ratings:
            return NO_RATING
        return self.ratings.get(RatingPlace(organization=organization, model=model, task=task), NO_RATING)

    async def _flush(self, database: Database) -> None:
        """Labels of which it is not known that they were written stay; those that the database refuses go."""
        while self._waiting:
            labels = self._sent = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]

            def work(connection: Connection, labels: list[Label] = labels) -> None:
                stored.add(connection, labels, self._now())

            settled = False
            try:
                await database.write(EVERY_ORGANIZATION, work)
                settled = True
            except DBAPIError as error:
                settled = True
                self.dropped += len(labels)
                log.warning("%d comparisons are lost: %s", len(labels), error.orig)
            finally:
                self._sent = []
                if not settled:
                    self._waiting.extendleft(reversed(labels))

    def _take(self, found: Changes, studies: dict[Pair, Study]) -> None:
        self.cells.update(found.cells)
        self.ratings.update(found.ratings)
        self.studies.update(studies)
        self._seen_ms = found.seen_ms
        for label in (*self._sent, *self._waiting):
            if label.place in found.cells:
                self.cells[label.place] = self.cells.get(label.place, NO_CELL).with_label(label.loss)
        self._drifted = frozenset(self._drifted_now()) if self.studies else frozenset()


def _studies(found: Mapping[Pair, bytes]) -> dict[Pair, Study]:
    """Without those of another version, which are learned anew in time."""
    studies = {}
    for pair, packed in found.items():
        try:
            studies[pair] = Study.loads(packed)
        except ValueError as error:
            log.warning("what was learned of %s is of no use: %s", pair.candidate, error)
    return studies
