"""What the cache's endpoints take and answer."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)
KEY: Final = r"^[0-9a-f]{64}$"


class Nothing(BaseModel):
    model_config = _STRICT


class ClearQuery(BaseModel):
    """Which answers: those that fit everything that is given, without anything all of the organization."""

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
    hits: int = Field(description="Since this worker was started.")
    p50_us: int | None = Field(description="Microseconds, of the last thousand hits; null without any.")
    p95_us: int | None
    p99_us: int | None


class CacheStats(BaseModel):
    """Hits and misses are those of the worker that answers, since it was started; what the whole gateway has saved is
    in the ledger (``GET /analytics/usage``).
    """

    organization: str
    total_entries: int | None = Field(description="Of the organization, in the database; null where it is not known.")
    bytes: int | None = Field(description="Of these, as they are kept.")
    total_hits: int
    total_misses: int
    total_coalesced: int = Field(description="Calls that got the answer to another call of the same moment.")
    hit_rate: float | None = Field(description="Hits and coalesced calls by all that were looked up; null without any.")
    redis_available: bool
    redis_entries: int | None = Field(description="Of the organization, in Redis; null where it is not known.")
    redis_hits: int
    memory_entries: int = Field(description="Of all organizations, in this worker.")
    memory_bytes: int
    unreadable: dict[str, int] = Field(description="By layer, what was found and was no answer of ours.")
    layers: dict[str, LayerStats]


class CacheEntry(BaseModel):
    key: str
    model: str
    created_ms: int = Field(description="Milliseconds since 1970.")
    age: int = Field(description="Seconds.")
    cost_nano_usd: int | None = Field(description="What the provider took for it; null where that is not known.")
    answer: Any = Field(description="The whole answer.")
