"""The configuration of the cache."""

from __future__ import annotations

from fnmatch import translate
from re import Pattern, compile
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: Literal["organization", "key", "user"] = Field(
        default="organization",
        description="Whose calls have their answers in common: all of an organization, those of one key, or those of "
        "one user (a call without a user is then not cached).",
    )
    shared: list[str] = Field(
        default=[],
        description="Models, by name or with * for any part of it, whose answers are common to all organizations.",
    )
    interchangeable: list[list[str]] = Field(
        default=[], description="Groups of models of which each may have the answer of another."
    )
    max_temperature: float = Field(
        default=1.0,
        ge=0,
        description="Calls with a higher temperature are not cached: they ask for another answer each time. Without "
        "one it is 1, as providers have it.",
    )
    tool_calls: bool | list[str] = Field(
        default=False,
        description="Keep answers that call tools: true for all, or the names of tools whose call does nothing but "
        "read. A client that gets such an answer again runs the tool again.",
    )
    max_age: float | None = Field(
        default=None, gt=0, description="Seconds after which an answer is not given again. Without it, never."
    )
    stale_if_error: float = Field(
        default=0,
        ge=0,
        description="Seconds for which an answer that is older than it may be is given all the same when the provider "
        "fails with 500, 502, 503 or 504.",
    )
    memory_bytes: int = Field(
        default=64 * 1024 * 1024, ge=0, description="What each worker keeps in memory; 0 for nothing."
    )
    memory_seconds: float = Field(
        default=2.0,
        ge=0,
        le=60,
        description="For how long it does. What was deleted or fetched anew elsewhere is seen after that.",
    )
    redis: bool = Field(
        default=True, description="Keep answers in services.cache, or else services.redis, if there is one."
    )
    redis_ttl: int = Field(default=86_400, ge=1, description="Seconds for which Redis keeps an answer.")
    redis_timeout: float = Field(
        default=0.05, ge=0.001, le=5, description="Seconds a call waits for Redis before it does without."
    )
    sql: bool = Field(default=True, description="Keep answers in services.database.")
    sql_days: int | None = Field(
        default=None, ge=1, description="Days after which the database forgets an answer. Without it, never."
    )
    sql_bytes: int | None = Field(
        default=None, ge=1, description="Bytes of answers in the database, the oldest go first. Without it, no bound."
    )
    max_answer_bytes: int = Field(
        default=4 * 1024 * 1024, ge=1, description="Answers that are larger as JSON are not kept."
    )
    replay_ms: float = Field(
        default=0,
        ge=0,
        le=1000,
        description="Milliseconds between two chunks of a kept answer that is streamed. 0 sends them at once.",
    )

    @model_validator(mode="after")
    def _sensible(self) -> Config:
        seen: set[str] = set()
        for group in self.interchangeable:
            if len(group) < 2:
                raise ValueError("interchangeable: a group has two models or more")
            for name in group:
                if name in seen:
                    raise ValueError(f"interchangeable: {name!r} is there twice")
                seen.add(name)
        return self

    def representatives(self) -> dict[str, str]:
        """Of each model of a group the first."""
        return {name: group[0] for group in self.interchangeable for name in group}

    def shared_models(self) -> Pattern[str] | None:
        """None where no answer crosses organizations."""
        if not self.shared:
            return None
        return compile("|".join(translate(one.replace("[", "[[]").replace("?", "[?]")) for one in self.shared))
