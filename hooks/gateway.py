"""What the core lends a plugin for the time between start-up and shutdown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from .call import Call
from .ceiling import Ceilings
from .metric import Metric, Section
from .outbound import Outbound
from .plan import Deployment
from .reply import Reply
from .usage import Usage
from .vitals import Traits, Vitals

if TYPE_CHECKING:
    from sqlalchemy import Connection, Subquery

T = TypeVar("T")

Dimension = Literal["day", "hour", "model", "provider", "user", "key", "source", "complexity", "tag", "organization"]
"""What sums of the ledger can be split by, beside ``tag:NAME`` for the values of any one tag.

``organization`` only where the sums are of `EVERY_ORGANIZATION`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What some rows of the ledger come to. ``group`` has the value of each dimension that was asked for.

    ``cost_nano_usd`` is the sum of the known costs; ``unpriced`` counts the calls whose cost is not known. ``errors``
    are answers of status 400 and above, ``limited`` those of status 429 among them, ``hits`` those that a cache gave,
    ``incomplete`` those that did not reach their end. ``seconds`` are from arrival to last byte at the quantiles that
    were asked for, within 2 %; ``seconds_sum`` is that of all calls.
    """

    group: Mapping[str, str]
    calls: int = 0
    errors: int = 0
    limited: int = 0
    hits: int = 0
    incomplete: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nano_usd: int = 0
    saved_nano_usd: int = 0
    unpriced: int = 0
    seconds: tuple[float, ...] = ()
    seconds_sum: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """One call as the ledger has it. ``id`` is its answer's ``x-request-id``, ``route`` the routers' reasons."""

    id: str
    at: datetime
    requested_model: str
    model: str
    key: str
    user: str | None
    source: str
    status: int
    complexity: str | None
    route: str | None
    cost_nano_usd: int | None


class Ledger(Protocol):
    """Reads of the one book. Every method is of one organization, or of `EVERY_ORGANIZATION`: none can be left out.

    Of ``[since, until)``, where ``until`` is now if it is None. ``filters`` are ``key``, ``user``, ``model``,
    ``provider`` and ``tag`` (``name=value``), each with the value its rows must have. What a call cost is in here some
    tenths of a second after its answer. Rows are kept for a number of days (``gateway.ledger.retention``); before that
    the answer comes from sums per minute, hour and day, and times are taken to the start of these. Raises
    `Unanswerable`, which is a ``ValueError``, for an unknown dimension, filter or zone, and for one that the sums of
    that time do not have; ``ValueError`` for a time without zone.
    """

    async def spent(self, organization: str, *, since: datetime, until: datetime | None = None, **filters: str) -> int:
        """Nano-dollars spent."""
        ...

    async def usage(
        self,
        organization: str,
        *,
        since: datetime,
        until: datetime | None = None,
        group_by: tuple[str, ...] = (),
        zone: str = "UTC",
        quantiles: tuple[float, ...] = (),
        total: bool = False,
        among: Collection[str] | None = None,
        **filters: str,
    ) -> tuple[Sums, ...]:
        """Sums of each group, in the order of their values; one, without calls if there were none, for no dimension.

        ``group_by`` are `Dimension`s and ``tag:NAME``. Days (``2026-11-30``) and hours (``2026-11-30T14:00+01:00``)
        are those of ``zone``, one of IANA's names; an hour that its clocks go through twice is two, in the order of
        time. What a call does not have (a user, a tag) counts under the empty text. ``tag`` is every tag as
        ``name=value``: a call counts once for each it has, and not at all without. Each group has its ``seconds`` at
        ``quantiles``, each in 0 … 1. With ``total`` the last one is of all groups together and its ``group`` empty; not
        with ``tag``, of which calls count more than once. ``among`` are the organizations that are meant by
        `EVERY_ORGANIZATION`, if it is not all of them.

        Of `EVERY_ORGANIZATION` it is all of them together, and ``organization`` a dimension too. By one of ``key``,
        ``user`` and ``tag`` there are sums of minutes (not by user), quarters of an hour, days. By two of them, and by
        ``source`` and ``complexity``, the answer is put together of single calls, which may take seconds.
        """
        ...

    def calls(self, organization: str, *, since: datetime, until: datetime | None = None) -> Subquery:
        """The single calls of ``[since, until)`` that are still kept, to write a ``SELECT`` over and run in
        `Database.read`.

        Its columns are those of the ledger's export, with ``time_ms`` since 1970 in the place of ``time``, and ``tags``
        as JSON text. `EVERY_ORGANIZATION` is all of them.
        """
        ...

    async def calls_since(self) -> datetime:
        """From when on every single call is kept, in UTC; of before there are sums only. 1970 if none was deleted."""
        ...

    async def latency(
        self,
        organization: str,
        *,
        since: datetime,
        until: datetime | None = None,
        quantiles: tuple[float, ...] = (0.5, 0.95, 0.99),
        **filters: str,
    ) -> tuple[float, ...] | None:
        """Seconds from arrival to last byte at these quantiles (each in 0 … 1), within 2 %; None without calls."""
        ...

    async def find(self, organization: str, id: str) -> Booked | None:
        """The organization's call of this id; None when there is none, or it is no longer kept."""
        ...


class Database(Protocol):
    """The SQL database, never on the event loop."""

    async def read(self, organization: str, work: Callable[[Connection], T], *, patient: bool = False) -> T:
        """What ``work`` returns, run in a thread within a transaction that changes nothing.

        It may take some seconds; with ``patient``, for reports that no call waits for, a minute. Raises
        ``hooks.Unavailable`` when the database does not answer.
        """
        ...

    async def write(self, organization: str, work: Callable[[Connection], T]) -> T:
        """The same in a transaction that is committed afterwards, and rolled back when ``work`` raises."""
        ...


EVERY_ORGANIZATION: Final = "*"
"""In place of an organization, for work with the database that is of all of them at once, such as reading what changed.

Said explicitly, so that it can be searched for.
"""


class Secrets(Protocol):
    """Keeps what must be used again but not be readable in a database."""

    def seal(self, organization: str, about: str, plain: str) -> str:
        """``plain`` as a text to be stored. It can be opened for the same organization and ``about`` only, with the
        gateway's secret key.
        """
        ...

    def unseal(self, organization: str, about: str, sealed: str) -> str:
        """What was sealed. Raises ``ValueError`` for what was sealed for another place, or with a key that is gone."""
        ...


class Redis(Protocol):
    """What ``services.redis`` or ``services.cache`` names."""

    @property
    def cluster(self) -> bool: ...

    def client(self, *, timeout: float) -> Any:
        """A ``redis.asyncio`` client of the plugin's own, which closes it.

        An operation that takes longer than ``timeout`` seconds fails, and nothing is tried again by itself: what was
        sent twice may count twice.
        """
        ...


class Gateway(Protocol):
    """Given to `lifespan`."""

    @property
    def version(self) -> str: ...

    @property
    def data_dir(self) -> Path:
        """A folder for files of this installation; it exists from start-up on."""
        ...

    @property
    def models(self) -> Mapping[str, tuple[Deployment, ...]]:
        """What clients can name, and where each may go."""
        ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def database(self) -> Database: ...

    @property
    def redis(self) -> Redis | None:
        """For what is to be counted and remembered; None where ``services.redis`` is ``memory``."""
        ...

    @property
    def cache(self) -> Redis | None:
        """For what may be forgotten at any time: ``services.cache``, or the same as `redis`. None where that is
        ``memory``.
        """
        ...

    @property
    def workers(self) -> int:
        """Serving processes of this gateway on this machine."""
        ...

    @property
    def outbound(self) -> Outbound: ...

    @property
    def secrets(self) -> Secrets: ...

    @property
    def ceilings(self) -> Ceilings: ...

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """What plugins offer in `spec.metrics`, by name."""
        ...

    @property
    def sections(self) -> tuple[Section, ...]:
        """What plugins offer in `spec.sections`, in the order of the list."""
        ...

    def organizations(self) -> tuple[str, ...]:
        """Those that there are, without the disabled ones."""
        ...

    def time_zone(self, organization: str) -> str:
        """Of IANA's names; ``UTC`` where nobody has said otherwise."""
        ...

    def prompt_tokens(self, call: Call) -> int:
        """About how many tokens the call's prompt has: an estimate that does not block."""
        ...

    def cost(self, deployment: Deployment, usage: Usage) -> int | None:
        """Nano-dollars at the price in force; None when it is not known."""
        ...

    def vitals(self, deployment: Deployment) -> Vitals:
        """How it is doing in this process. What is returned stays good for as long as the plugin is running."""
        ...

    def traits(self, deployment: Deployment) -> Traits:
        """What it can do, as far as that is known."""
        ...

    async def serve(self, call: Call, *, tags: Mapping[str, str] | None = None) -> Reply:
        """Send a call of the plugin's own through the whole pipeline, accounted like any other, with these tags.

        It has an id and a ``state`` of its own, also when it was made of another call; the id is the answer's
        ``x-request-id``.

        The caller reads the reply (``await hooks.read(reply)``) or its stream is never closed.
        """
        ...
