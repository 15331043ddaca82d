"""The tables of the ledger: calls, their sums per minute, hour and day, and how far each journal segment is read.

There are no foreign keys to the accounts: an organization of the middleware shape is any text.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

_ONE_TREE: Final = {"sqlite_with_rowid": False}
"""On SQLite the rows are in the index of the primary key: half of what there is to write."""


class LedgerCall(SQLModel, table=True):
    """A `Row`: ``tags`` as JSON text."""

    __tablename__ = "ledger_call"
    __table_args__ = (
        Index("ledger_call_organization_time_ms", "organization", "time_ms"),
        Index("ledger_call_time_ms", "time_ms"),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    time_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    key: str = Field(sa_column=Column(Text, nullable=False))
    user: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    api: str = Field(sa_column=Column(Text, nullable=False))
    requested_model: str = Field(sa_column=Column(Text, nullable=False))
    model: str = Field(sa_column=Column(Text, nullable=False))
    provider: str = Field(sa_column=Column(Text, nullable=False))
    deployment: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    source: str = Field(sa_column=Column(Text, nullable=False))
    status: int = Field(sa_column=Column(BigInteger, nullable=False))
    stream: bool = Field(nullable=False)
    complete: bool = Field(nullable=False)
    error: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    prompt_tokens: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    completion_tokens: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    cached_tokens: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    cache_write_tokens: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    reasoning_tokens: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    usage_reported: bool | None = Field(default=None)
    cost_nano_usd: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    saved_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    latency_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    first_token_us: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    overhead_us: int = Field(sa_column=Column(BigInteger, nullable=False))
    attempts: int = Field(sa_column=Column(BigInteger, nullable=False))
    complexity: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    cache_key: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    route: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    decisions: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    tried: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    max_tokens: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    request_digest: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    shape_digest: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    prefix_digest: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    prefix_tokens: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    tags: str = Field(sa_column=Column(Text, nullable=False))


class LedgerMinute(SQLModel, table=True):
    """Sums of the calls that arrived in one minute of UTC. ``sketch`` is that of their latency, see `sketch`."""

    __tablename__ = "ledger_minute"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    start_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    model: str = Field(sa_column=Column(Text, primary_key=True))
    provider: str = Field(sa_column=Column(Text, primary_key=True))
    calls: int = Field(sa_column=Column(BigInteger, nullable=False))
    errors: int = Field(sa_column=Column(BigInteger, nullable=False))
    limited: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    hits: int = Field(sa_column=Column(BigInteger, nullable=False))
    incomplete: int = Field(sa_column=Column(BigInteger, nullable=False))
    prompt_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    completion_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cached_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    reasoning_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cost_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    saved_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    unpriced: int = Field(sa_column=Column(BigInteger, nullable=False))
    latency_us_sum: int = Field(sa_column=Column(BigInteger, nullable=False))
    sketch: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerHour(SQLModel, table=True):
    """The same of one hour."""

    __tablename__ = "ledger_hour"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    start_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    model: str = Field(sa_column=Column(Text, primary_key=True))
    provider: str = Field(sa_column=Column(Text, primary_key=True))
    calls: int = Field(sa_column=Column(BigInteger, nullable=False))
    errors: int = Field(sa_column=Column(BigInteger, nullable=False))
    limited: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    hits: int = Field(sa_column=Column(BigInteger, nullable=False))
    incomplete: int = Field(sa_column=Column(BigInteger, nullable=False))
    prompt_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    completion_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cached_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    reasoning_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cost_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    saved_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    unpriced: int = Field(sa_column=Column(BigInteger, nullable=False))
    latency_us_sum: int = Field(sa_column=Column(BigInteger, nullable=False))
    sketch: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerDay(SQLModel, table=True):
    """The same of one day."""

    __tablename__ = "ledger_day"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    start_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    model: str = Field(sa_column=Column(Text, primary_key=True))
    provider: str = Field(sa_column=Column(Text, primary_key=True))
    calls: int = Field(sa_column=Column(BigInteger, nullable=False))
    errors: int = Field(sa_column=Column(BigInteger, nullable=False))
    limited: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    hits: int = Field(sa_column=Column(BigInteger, nullable=False))
    incomplete: int = Field(sa_column=Column(BigInteger, nullable=False))
    prompt_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    completion_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cached_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    reasoning_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cost_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    saved_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    unpriced: int = Field(sa_column=Column(BigInteger, nullable=False))
    latency_us_sum: int = Field(sa_column=Column(BigInteger, nullable=False))
    sketch: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerIdentityDay(SQLModel, table=True):
    """Sums of one day of UTC per key and user (empty for none), which outlive the single calls."""

    __tablename__ = "ledger_identity_day"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    start_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    user: str = Field(sa_column=Column(Text, primary_key=True))
    model: str = Field(sa_column=Column(Text, primary_key=True))
    provider: str = Field(sa_column=Column(Text, primary_key=True))
    calls: int = Field(sa_column=Column(BigInteger, nullable=False))
    errors: int = Field(sa_column=Column(BigInteger, nullable=False))
    limited: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    hits: int = Field(sa_column=Column(BigInteger, nullable=False))
    incomplete: int = Field(sa_column=Column(BigInteger, nullable=False))
    prompt_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    completion_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cached_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    reasoning_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cost_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    saved_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    unpriced: int = Field(sa_column=Column(BigInteger, nullable=False))
    latency_us_sum: int = Field(sa_column=Column(BigInteger, nullable=False))


class LedgerTotal(SQLModel, table=True):
    """Sums of all calls of an organization in a minute, quarter of an hour, hour or day of UTC, whatever the model.

    The time comes first: what they are asked for is mostly of all organizations.
    """

    __tablename__ = "ledger_total"
    __table_args__ = _ONE_TREE

    width_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    start_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    organization: str = Field(sa_column=Column(Text, primary_key=True))
    calls: int = Field(sa_column=Column(BigInteger, nullable=False))
    errors: int = Field(sa_column=Column(BigInteger, nullable=False))
    limited: int = Field(sa_column=Column(BigInteger, nullable=False))
    hits: int = Field(sa_column=Column(BigInteger, nullable=False))
    incomplete: int = Field(sa_column=Column(BigInteger, nullable=False))
    prompt_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    completion_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cached_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    reasoning_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cost_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    saved_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    unpriced: int = Field(sa_column=Column(BigInteger, nullable=False))
    latency_us_sum: int = Field(sa_column=Column(BigInteger, nullable=False))
    sketch: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerFacetMinute(SQLModel, table=True):
    """Sums of one minute of UTC by one key (``facet`` is ``key``) or tag (``tag``, ``value`` is ``name=value``)."""

    __tablename__ = "ledger_facet_minute"
    __table_args__ = _ONE_TREE

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    start_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    facet: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = Field(sa_column=Column(Text, primary_key=True))
    model: str = Field(sa_column=Column(Text, primary_key=True))
    provider: str = Field(sa_column=Column(Text, primary_key=True))
    calls: int = Field(sa_column=Column(BigInteger, nullable=False))
    errors: int = Field(sa_column=Column(BigInteger, nullable=False))
    limited: int = Field(sa_column=Column(BigInteger, nullable=False))
    hits: int = Field(sa_column=Column(BigInteger, nullable=False))
    incomplete: int = Field(sa_column=Column(BigInteger, nullable=False))
    prompt_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    completion_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cached_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    reasoning_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cost_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    saved_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    unpriced: int = Field(sa_column=Column(BigInteger, nullable=False))
    latency_us_sum: int = Field(sa_column=Column(BigInteger, nullable=False))
    sketch: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerFacetQuarter(SQLModel, table=True):
    """The same of a quarter of an hour, and by one user too (``user``, of none the empty text).

    Facets ``key_day`` and ``tag_day`` are of whole days of UTC.
    """

    __tablename__ = "ledger_facet_quarter"
    __table_args__ = _ONE_TREE

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    start_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    facet: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = Field(sa_column=Column(Text, primary_key=True))
    model: str = Field(sa_column=Column(Text, primary_key=True))
    provider: str = Field(sa_column=Column(Text, primary_key=True))
    calls: int = Field(sa_column=Column(BigInteger, nullable=False))
    errors: int = Field(sa_column=Column(BigInteger, nullable=False))
    limited: int = Field(sa_column=Column(BigInteger, nullable=False))
    hits: int = Field(sa_column=Column(BigInteger, nullable=False))
    incomplete: int = Field(sa_column=Column(BigInteger, nullable=False))
    prompt_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    completion_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cached_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    reasoning_tokens: int = Field(sa_column=Column(BigInteger, nullable=False))
    cost_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    saved_nano_usd: int = Field(sa_column=Column(BigInteger, nullable=False))
    unpriced: int = Field(sa_column=Column(BigInteger, nullable=False))
    latency_us_sum: int = Field(sa_column=Column(BigInteger, nullable=False))
    sketch: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerSegment(SQLModel, table=True):
    """How much of a journal segment is in the ledger: ``offset`` bytes, as of ``updated_ms``.

    It outlives the file: a segment that comes back out of a backup is known, and nothing of it counts twice.
    """

    __tablename__ = "ledger_segment"

    name: str = Field(sa_column=Column(Text, primary_key=True))
    offset: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class LedgerHorizon(SQLModel, table=True):
    """From when on a table has everything: what is older than ``since_ms`` was deleted for its age, or soon is."""

    __tablename__ = "ledger_horizon"

    table_name: str = Field(sa_column=Column(Text, primary_key=True))
    since_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


_TABLES: Final = SQLModel.metadata.tables
CALLS: Final = _TABLES["ledger_call"]
MINUTES: Final = _TABLES["ledger_minute"]
HOURS: Final = _TABLES["ledger_hour"]
DAYS: Final = _TABLES["ledger_day"]
IDENTITY_DAYS: Final = _TABLES["ledger_identity_day"]
TOTALS: Final = _TABLES["ledger_total"]
FACET_MINUTES: Final = _TABLES["ledger_facet_minute"]
FACET_QUARTERS: Final = _TABLES["ledger_facet_quarter"]
SEGMENTS: Final = _TABLES["ledger_segment"]
HORIZONS: Final = _TABLES["ledger_horizon"]
