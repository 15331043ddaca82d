"""The bodies that the gateway writes itself, for documentation only: errors, models, health, reload."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

OPEN: Final = ConfigDict(extra="allow")


class ErrorDetail(BaseModel):
    model_config = OPEN

    message: str = Field(description="What is wrong, in a sentence.")
    type: str | None = Field(description="The kind of error, as in invalid_request_error.")
    param: str | None = Field(default=None, description="The field that is wrong, if it is one.")
    code: str | int | None = Field(default=None, description="A stable word to tell errors apart by.")


class Error(BaseModel):
    """Every error is this envelope, whoever it comes from."""

    model_config = OPEN

    error: ErrorDetail


class Model(BaseModel):
    id: str = Field(description="What to write as model in a request.")
    object: Literal["model"]
    created: int
    owned_by: str = Field(description="The provider of its first deployment.")


class ModelList(BaseModel):
    object: Literal["list"]
    data: list[Model]


class PluginHealth(BaseModel):
    """What the gateway knows of a plugin, and what the plugin says of itself."""

    model_config = OPEN

    use: str
    mode: Literal["enforce", "shadow", "off"]
    errors: int = Field(default=0, description="Failures since start.")
    last_error: str | None = None
    status: str = Field(default="ok", description="ok, degraded or down.")


class JobHealth(BaseModel):
    """In this process. A job of the cluster runs in one of them each time."""

    runs: int
    skipped: int = Field(description="Times it was due while it was still running, or nobody could run it.")
    last_started_at: str | None
    last_seconds: float | None = Field(description="How long the last run took.")
    last_error: str | None = Field(description="The kind of failure that ended the last run.")


class Health(BaseModel):
    status: Literal["ok", "degraded", "down", "draining"]
    version: str
    uptime_seconds: float = Field(description="Since this process was started; a reload changes nothing.")
    in_flight: int = Field(description="Model calls under way.")
    models: int
    providers: dict[str, Any] = Field(description="How each deployment is doing, as this process has seen it.")
    database: dict[str, Any] = Field(default_factory=dict, description="Its kind, and since when it does not answer.")
    ledger: dict[str, Any] = Field(
        default_factory=dict, description="How many bytes wait for the database, for how long, and what was lost."
    )
    redis: dict[str, Any] | None = Field(
        default=None, description="Its kind: embedded (with process id and status), single, sentinel or cluster."
    )
    plugins: dict[str, PluginHealth] = Field(description="By the name of their entry.")
    jobs: dict[str, JobHealth]


class Status(BaseModel):
    status: Literal["ok", "degraded", "down", "draining"]


class Reloaded(BaseModel):
    status: Literal["reloaded"]
    models: int
    plugins: int


class ReloadRefused(BaseModel):
    """The configuration that was in force stays in force."""

    error: ErrorDetail
    problems: list[dict[str, Any]] = Field(description="Each with its path, line, value and rule.")
