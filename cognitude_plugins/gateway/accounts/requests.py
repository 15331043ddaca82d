"""Reading what an account endpoint was asked: body and query, checked before any of it reaches the database."""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from hooks import Reply

from ..request_body import Refused, too_large
from .bodies import Listing
from .page import Page
from .refusals import invalid

Model = TypeVar("Model", bound=BaseModel)

_LARGEST: Final = 65_536
_SECONDS: Final = 30.0


async def body_as(request: Request, model: type[Model]) -> Model:
    """An empty body counts as ``{}``. Raises `Refused` with 400, 408, 413 or 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/json"):
        message = f"Content-Type {kind[:80]!r} is not supported; use 'application/json'."
        raise Refused(Reply.error(415, message, code="unsupported_media_type"))
    raw = await _read(request)
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise Refused(_wrong(error)) from None


def page_of(request: Request) -> Page:
    """Raises `Refused` with 400."""
    query = query_as(request, Listing)
    return Page(limit=query.limit, after=query.after)


def query_as(request: Request, model: type[Model]) -> Model:
    """The query without ``organization``, which the gate has dealt with. Raises `Refused` with 400."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            text = f"The parameter {name[:200]!r} is given more than once."
            raise Refused(Reply.error(400, text, code="invalid_value", param=name[:200]))
        if name != "organization":
            given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refused(_wrong(error)) from None


def id_of(request: Request) -> str:
    id: str = request.path_params["id"]
    return id


def organization_for(request: Request, named: str | None) -> str:
    """In which organization something is to be made: the one the body names, else the caller's. Raises `Refusal`."""
    organization: str = named or request.state.caller.organization
    if not organization:
        raise invalid("organization", "Say which organization it is for.")
    return organization


async def _read(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > _LARGEST:
                    raise Refused(too_large(_LARGEST))
                parts.append(part)
    except TimeoutError:
        text = f"The request body did not arrive within {_SECONDS:g} s."
        raise Refused(Reply.error(408, text, code="request_timeout")) from None
    except ClientDisconnect:
        raise Refused(Reply.error(400, "The request body is not complete.", code="invalid_body")) from None
    return b"".join(parts)


def _wrong(error: ValidationError) -> Reply:
    """Of the first thing that is wrong; what was sent is not repeated."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    param = ".".join(str(part) for part in first["loc"])[:200]
    if first["type"] == "json_invalid":
        return Reply.error(400, f"The body cannot be read: {first['msg']}.", code="invalid_json")
    if first["type"] == "extra_forbidden":
        return Reply.error(400, f"There is no {param!r} to be set here.", code="unknown_field", param=param)
    where = f"{param}: " if param else ""
    return Reply.error(400, f"{where}{first['msg']}.", code="invalid_value", param=param or None)
