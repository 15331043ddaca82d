"""Reading what the limiter's endpoints were asked, and saying what is wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from hooks import Reply, Unavailable

from .counters import Down

Model = TypeVar("Model", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Response]]

LARGEST: Final = 65_536
_SECONDS: Final = 30.0
_LONGEST_SHOWN: Final = 40


class Refused(Exception):
    """Nothing was changed; ``reply`` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply: Final = reply


def wrong(message: str, *, param: str | None = None, status: int = 400, code: str = "invalid_value") -> Refused:
    return Refused(Reply.error(status, message, code=code, param=param))


def answering(handler: Handler) -> Handler:
    """The endpoint with its refusals made into answers, and what it needs and cannot reach into 503."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return _response(refused.reply)
        except Unavailable:
            return _response(_away("database_unavailable", "The database"))
        except Down:
            return _response(_away("redis_unavailable", "Redis"))

    return answered


def answer(body: BaseModel) -> Response:
    return JSONResponse(body.model_dump(mode="json"), headers={"cache-control": "no-store"})


async def body_as(request: Request, model: type[Model]) -> Model:
    """An empty body counts as ``{}``. Raises `Refused` with 400, 408, 413 or 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/json"):
        message = f"Content-Type {kind[:80]!r} is not supported; use 'application/json'."
        raise wrong(message, status=415, code="unsupported_media_type")
    raw = await _read(request)
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise _invalid(error) from None


def query_as(request: Request, model: type[Model]) -> Model:
    """The query without ``organization``, which the gateway has dealt with. Raises `Refused` with 400."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise wrong(f"{name[:80]!r} is there twice.", param=name[:80])
        if name != "organization":
            given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _invalid(error) from None


def explained(error: ValidationError) -> tuple[str, str]:
    """The field that is wrong first, and the rule it breaks with its value, if that is short."""
    first = error.errors(include_url=False, include_context=False)[0]
    param = ".".join(str(part) for part in first["loc"])[:200]
    if first["type"] == "extra_forbidden":
        return param, f"there is no {param!r} to be set here"
    text = first["msg"].removeprefix("Value error, ")
    value, own = first["input"], first["type"] == "value_error"
    if own or not isinstance(value, (str, int, float, Decimal)) or len(str(value)) > _LONGEST_SHOWN:
        return param, text
    return param, f"{text}, not {value if isinstance(value, Decimal) else repr(value)}"


def _invalid(error: ValidationError) -> Refused:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return wrong(f"The body cannot be read: {first['msg']}.", code="invalid_json")
    param, text = explained(error)
    code = "unknown_field" if first["type"] == "extra_forbidden" else "invalid_value"
    return wrong(f"{param}: {text}." if param else f"{text}.", param=param or None, code=code)


async def _read(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > LARGEST:
                    message = f"The body is larger than {LARGEST} bytes."
                    raise wrong(message, status=413, code="request_too_large")
                parts.append(part)
    except TimeoutError:
        message = f"The request body did not arrive within {_SECONDS:g} s."
        raise wrong(message, status=408, code="request_timeout") from None
    except ClientDisconnect:
        raise wrong("The request body is not complete.", code="invalid_body") from None
    return b"".join(parts)


def _away(code: str, what: str) -> Reply:
    message = f"{what} does not answer; what was asked for may or may not have been done."
    return Reply.error(503, message, type="server_error", code=code, headers={"retry-after": "1"})


def _response(reply: Reply) -> Response:
    headers: Mapping[str, str] = reply.headers
    body: Any = reply.body
    return JSONResponse(body, status_code=reply.status, headers={**headers, "cache-control": "no-store"})
