"""Requests in a file, one JSON object a line, as the calls that a replay plays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from ..ledger.row import Row
from ..request_body import Refused
from ..validate import CallLimits, check_call
from .item import Item


class WrongLine(ValueError):
    """``str()`` names file, line, field, value and rule."""


class Answer(BaseModel):
    """What came of it, as far as that is known."""

    model_config = ConfigDict(extra="forbid")

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    cached_tokens: int = Field(default=0, ge=0)
    latency_ms: float = Field(default=1000.0, ge=0)
    cost_usd: float | None = Field(default=None, ge=0)
    deployment: str | None = None


class Request(BaseModel):
    """One line. ``at`` is a time in ISO 8601 with its zone."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime
    organization: str = Field(default="default", min_length=1, max_length=256)
    key: str = Field(default="", max_length=256)
    user: str | None = Field(default=None, max_length=256)
    tags: dict[str, str] = {}
    api: Literal["chat", "completions", "embeddings"] = "chat"
    body: dict[str, Any]
    answer: Answer | None = None


def items(path: Path, limits: CallLimits) -> Iterator[Item]:
    """In the order of the file, which is that of their times. Raises `WrongLine`, ``OSError``."""
    before: datetime | None = None
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            request = _parsed(line, where)
            if before is not None and request.at < before:
                raise WrongLine(f"{where}: at is {request.at.isoformat()}, before that of a line above it")
            before = request.at
            try:
                check_call(request.api, request.body, limits)
            except Refused as refused:
                raise WrongLine(f"{where}: body: {_message(refused)}") from None
            yield _item(request, number)


def _parsed(line: bytes, where: str) -> Request:
    try:
        return Request.model_validate(orjson.loads(line))
    except orjson.JSONDecodeError as error:
        raise WrongLine(f"{where}: is no JSON: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the line"
        raise WrongLine(f"{where}: {place}: {first['msg']}, not {str(first['input'])[:80]!r}") from None


def _message(refused: Refused) -> str:
    body = refused.reply.body
    return str(body["error"]["message"]) if body else "is refused"


def _item(request: Request, number: int) -> Item:
    answer, body = request.answer, request.body
    limits = [body.get(name) for name in ("max_completion_tokens", "max_tokens")]
    row = Row(
        id=f"line-{number}",
        time_ms=round(request.at.timestamp() * 1000),
        organization=request.organization,
        key=request.key,
        user=request.user,
        api=request.api,
        requested_model=str(body["model"]),
        model="",
        provider="",
        deployment=None if answer is None else answer.deployment,
        source="provider",
        status=200,
        stream=body.get("stream") is True,
        complete=True,
        prompt_tokens=None if answer is None else answer.prompt_tokens,
        completion_tokens=None if answer is None else answer.completion_tokens,
        cached_tokens=None if answer is None else answer.cached_tokens,
        cost_nano_usd=None if answer is None or answer.cost_usd is None else round(answer.cost_usd * 1e9),
        latency_us=1_000_000 if answer is None else round(answer.latency_ms * 1000),
        overhead_us=0,
        attempts=1,
        max_tokens=next((one for one in limits if type(one) is int), None),
        tags=request.tags,
    )
    return Item(row=row, body=body, answered=answer is not None)
