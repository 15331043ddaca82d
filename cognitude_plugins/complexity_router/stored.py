"""The rows of what was learned: what is read and written within a transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from .gain import FADE, Cell, Rating
from .tables import RouterExample, RouterFeedback, RouterGain, RouterRating, RouterWeights

_OVERLAP_MS: Final = 10_000

_GAIN: Final[Any] = RouterGain.__table__  # type: ignore[attr-defined]
_RATING: Final[Any] = RouterRating.__table__  # type: ignore[attr-defined]
_FEEDBACK: Final[Any] = RouterFeedback.__table__  # type: ignore[attr-defined]
_EXAMPLE: Final[Any] = RouterExample.__table__  # type: ignore[attr-defined]
_WEIGHTS: Final[Any] = RouterWeights.__table__  # type: ignore[attr-defined]


class Pair(NamedTuple):
    """Whose, and which model against which."""

    organization: str
    candidate: str
    reference: str


class Place(NamedTuple):
    """Of which organization, pair of models and kind of task something is known."""

    organization: str
    candidate: str
    reference: str
    task: str


class RatingPlace(NamedTuple):
    """Of which organization, model and kind of task."""

    organization: str
    model: str
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One comparison. ``id`` is unique; ``features`` are of its prompt, None where nothing is to be learned from it."""

    id: str
    place: Place
    loss: float
    features: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Rows that are newer than what was read before, and the time to ask from next."""

    cells: Mapping[Place, Cell]
    ratings: Mapping[RatingPlace, Rating]
    weights: Mapping[Pair, tuple[int, bytes]]
    """When they were made, and they."""
    seen_ms: int


def add(connection: Connection, labels: Sequence[Label], now_ms: int) -> None:
    """Each is counted in one statement, so that workers do not overwrite each other's."""
    for label in sorted(labels, key=lambda one: (attrgetter("organization", "candidate", "task")(one.place), one.id)):
        place, one = label.place, Cell().with_label(label.loss)
        values = {
            "organization": place.organization,
            "candidate": place.candidate,
            "reference": place.reference,
            "task": place.task,
            "losses": one.losses,
            "wins": one.wins,
            "ties": one.ties,
            "labels": 1,
            "updated_ms": now_ms,
        }
        if _is_new(connection, label, now_ms):
            _count(connection, _GAIN, values, ("losses", "wins", "ties"))


def _is_new(connection: Connection, label: Label, now_ms: int) -> bool:
    """What was sent twice, because nobody knew whether it had arrived, counts once."""
    place = label.place
    upsert: Any = _insert(connection, _EXAMPLE).values(
        id=label.id,
        organization=place.organization,
        candidate=place.candidate,
        reference=place.reference,
        loss=label.loss,
        features=label.features or b"",
        created_ms=now_ms,
    )
    return connection.execute(upsert.on_conflict_do_nothing().returning(_EXAMPLE.c.id)).first() is not None


def rate(connection: Connection, request_id: str, place: RatingPlace, score: float, now_ms: int) -> bool:
    """Whether it is the first time that this answer is rated; it is not counted again."""
    upsert: Any = _insert(connection, _FEEDBACK).values(
        organization=place.organization, request_id=request_id, score=score, created_ms=now_ms
    )
    if connection.execute(upsert.on_conflict_do_nothing().returning(_FEEDBACK.c.request_id)).first() is None:
        return False
    values = {
        "organization": place.organization,
        "model": place.model,
        "task": place.task,
        "count": 1.0,
        "total": score,
        "labels": 1,
        "updated_ms": now_ms,
    }
    _count(connection, _RATING, values, ("count", "total"))
    return True


def changes(connection: Connection, since_ms: int) -> Changes:
    """Of all organizations. What is younger than `_OVERLAP_MS` is read again: clocks differ, and writers wait."""
    seen = since_ms
    cells, ratings, weights = {}, {}, {}
    for row in _newer(connection, _GAIN, since_ms):
        place = Place(organization=row.organization, candidate=row.candidate, reference=row.reference, task=row.task)
        cells[place] = Cell(losses=row.losses, wins=row.wins, ties=row.ties, labels=row.labels)
        seen = max(seen, row.updated_ms)
    for row in _newer(connection, _RATING, since_ms):
        where = RatingPlace(organization=row.organization, model=row.model, task=row.task)
        ratings[where] = Rating(count=row.count, total=row.total, labels=row.labels)
        seen = max(seen, row.updated_ms)
    for row in _newer(connection, _WEIGHTS, since_ms):
        weights[Pair(row.organization, row.candidate, row.reference)] = (row.updated_ms, bytes(row.weights))
        seen = max(seen, row.updated_ms)
    return Changes(cells=cells, ratings=ratings, weights=weights, seen_ms=seen)


def pairs(connection: Connection) -> Sequence[tuple[Pair, int]]:
    """Of what there are examples, and how many."""
    key = (_EXAMPLE.c.organization, _EXAMPLE.c.candidate, _EXAMPLE.c.reference)
    counted = select(*key, func.count()).where(_EXAMPLE.c.features != b"").group_by(*key)
    return [(Pair(*row[:3]), row[3]) for row in connection.execute(counted)]


def examples(connection: Connection, pair: Pair, most: int) -> Sequence[tuple[float, bytes]]:
    """Loss and features of the newest."""
    wanted = select(_EXAMPLE.c.loss, _EXAMPLE.c.features).where(*_of(_EXAMPLE, pair), _EXAMPLE.c.features != b"")
    found = connection.execute(wanted.order_by(_EXAMPLE.c.created_ms.desc(), _EXAMPLE.c.id).limit(most))
    return [(row.loss, bytes(row.features)) for row in found]


def trained(connection: Connection, pair: Pair) -> tuple[int, int]:
    """How many labels the weights are made of, and when; zeros without."""
    wanted = select(_WEIGHTS.c.labels, _WEIGHTS.c.updated_ms).where(*_of(_WEIGHTS, pair))
    found = connection.execute(wanted).first()
    return (0, 0) if found is None else (found.labels, found.updated_ms)


def learned(connection: Connection, pair: Pair, labels: int, weights: bytes, now_ms: int) -> None:
    changed = {"labels": labels, "weights": weights, "updated_ms": now_ms}
    upsert = _insert(connection, _WEIGHTS).values(**pair._asdict(), **changed)
    connection.execute(upsert.on_conflict_do_update(index_elements=list(Pair._fields), set_=changed))


def forget(connection: Connection, before_ms: int) -> int:
    """Examples and feedback from before then. How many went."""
    gone: int = connection.execute(delete(_EXAMPLE).where(_EXAMPLE.c.created_ms < before_ms)).rowcount
    return gone + int(connection.execute(delete(_FEEDBACK).where(_FEEDBACK.c.created_ms < before_ms)).rowcount)


def _of(table: Any, pair: Pair) -> tuple[Any, ...]:
    return tuple(table.c[name] == value for name, value in pair._asdict().items())


def _newer(connection: Connection, table: Any, since_ms: int) -> Iterator[Any]:
    yield from connection.execute(select(table).where(table.c.updated_ms > since_ms - _OVERLAP_MS))


def _count(connection: Connection, table: Any, values: Mapping[str, Any], faded: tuple[str, ...]) -> None:
    upsert = _insert(connection, table).values(**values)
    changed = {name: table.c[name] * FADE + upsert.excluded[name] for name in faded}
    changed |= {"labels": table.c.labels + 1, "updated_ms": upsert.excluded.updated_ms}
    key = [column.name for column in table.columns if column.primary_key]
    connection.execute(upsert.on_conflict_do_update(index_elements=key, set_=changed))


def _insert(connection: Connection, table: Any) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
