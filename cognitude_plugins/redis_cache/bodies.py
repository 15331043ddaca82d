"""What the cache's endpoints take and answer."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)
KEY: Final = r"^[0-9a-f]{64}$"


class Nothing(BaseModel):
    model_config = _STRICT


class ClearQuery(BaseModel):
    """Which answers: those that fit everything that is given, without anything all of them."""

    model_config = _STRICT

    model: str | None = Field(
        default=None, min_length=1, max_length=256, pattern=r"^[^\x00]*$", description="Of this model."
    )
    key: str | None = Field(default=None, pattern=KEY, description="Kept under this key.")
    older_than: int | None = Field(default=None, ge=0, le=2**31, description="Older than so many seconds.")
    dry_run: bool = Field(default=False, description="Only say how many they are.")


class CacheCleared(BaseModel):
    organization: str
    answers: int = Field(description="How many were deleted, or under dry_run would be.")
    bytes: int = Field(description="As they were kept: compressed.")
    dry_run: bool


class LayerStats(BaseModel):
    hits: int
    p50_us: int | None = Field(description="Microseconds, of the last thousand hits; null without any.")
    p95_us: int | None
    p99_us: int | None


class WorkerStats(BaseModel):
    """Of the worker that answers, since it was started."""

    hits: int
    stale: int = Field(description="Hits that were given because the provider failed.")
    coalesced: int = Field(description="Calls that got the answer to another call of the same moment.")
    misses: int
    hit_rate: float | None = Field(description="All but misses, by all that were looked up; null without any.")
    memory_entries: int = Field(description="Of all organizations.")
    memory_bytes: int
    unreadable: dict[str, int] = Field(description="By layer, what was found and was no answer of ours.")
    layers: dict[str, LayerStats]


class StatsQuery(BaseModel):
    model_config = _STRICT

    days: int = Field(default=30, ge=1, le=365, description="How far back calls are counted.")


class CacheStats(BaseModel):
    """Of an organization. Calls and hits are of all workers, from the ledger; null while the database is away."""

    organization: str
    days: int
    total_calls: int | None
    total_hits: int | None = Field(description="Good answers that came from no provider, coalesced ones too.")
    hit_rate: float | None = Field(description="Hits by calls; null without calls.")
    saved_nano_usd: int | None = Field(description="What the providers would have taken for the hits.")
    total_entries: int | None = Field(description="Answers in the database; null where that is not known.")
    bytes: int | None = Field(description="Of these, as they are kept.")
    redis_available: bool
    redis_entries: int | None = Field(description="Answers in Redis; null where that is not known.")
    redis_hits: int = Field(description="Of the worker that answers, since it was started.")
    worker: WorkerStats


class CacheEntry(BaseModel):
    key: str
    model: str
    created_ms: int = Field(description="Milliseconds since 1970.")
    age: int = Field(description="Seconds.")
    cost_nano_usd: int | None = Field(description="What the provider took for it; null where that is not known.")
    answer: Any = Field(description="The whole answer.")
