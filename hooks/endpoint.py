"""Reading what an HTTP endpoint was asked, and answering it: refusals, and a service that is away, in one place.

pydantic and starlette, of which a plugin with endpoints has both, are imported when an endpoint is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Final, TypeVar

from .errors import Unavailable
from .reply import Reply

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from starlette.requests import Request
    from starlette.responses import Response

    Handler = Callable[[Request], Awaitable[Response]]

Model = TypeVar("Model", bound="BaseModel")

LARGEST_BODY: Final = 65_536
"""Bytes."""
_SECONDS: Final = 30.0
_LONGEST_SHOWN: Final = 40
_LONGEST_NAME: Final = 200
_OWN_WORDS: Final = "Value error, "


class Refused(Exception):
    """Nothing was changed; ``reply`` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply: Final = reply


def refused(message: str, *, param: str | None = None, status: int = 400, code: str = "invalid_value") -> Refused:
    """To be raised: an answer in the OpenAI error envelope. A rule that ends in a question needs no full stop."""
    text = message.removesuffix(".") if message.endswith("?.") else message
    return Refused(Reply.error(status, text, code=code, param=param))


def answering(handler: Handler) -> Handler:
    """The endpoint with its `Refused` made into answers, and `hooks.Unavailable` into 503."""

    @wraps(handler)
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as error:
            return respond(error.reply)
        except Unavailable as error:
            return respond(unavailable(error))

    return answered


def unavailable(error: Unavailable) -> Reply:
    """503, to be tried again in a second."""
    what = "Redis" if error.service == "redis" else f"The {error.service}"
    return Reply.error(
        503,
        f"{what} does not answer; what was asked for may or may not have been done.",
        type="server_error",
        code=f"{error.service}_unavailable",
        headers={"retry-after": "1"},
    )


def answer(body: BaseModel, status: int = 200) -> Response:
    """As JSON, which no cache on the way is to keep."""
    return respond(Reply.json(body.model_dump(mode="json"), status=status))


def respond(reply: Reply) -> Response:
    """A whole reply as an endpoint's response."""
    from starlette.responses import JSONResponse

    return JSONResponse(reply.body, status_code=reply.status, headers={**reply.headers, "cache-control": "no-store"})


async def body_as(request: Request, model: type[Model], *, secret: bool = False) -> Model:
    """The JSON body; an empty one counts as ``{}``. Raises `Refused` with 400, 408, 413 or 415.

    What is wrong is said with its value, where that is short and nothing in the body is ``secret``.
    """
    from pydantic import ValidationError

    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/json"):
        message = f"Content-Type {kind[:80]!r} is not supported; use 'application/json'."
        raise refused(message, status=415, code="unsupported_media_type")
    raw = await _read(request)
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise _invalid(error, secret) from None


def query_as(request: Request, model: type[Model], *, acting: bool = True) -> Model:
    """The query's parameters, each at most once. Raises `Refused` with 400.

    Without ``organization``, which the gateway has dealt with, unless nobody is ``acting`` for one.
    """
    from pydantic import ValidationError

    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            shown = name[:_LONGEST_NAME]
            raise refused(f"The parameter {shown!r} is given more than once.", param=shown)
        if name != "organization" or not acting:
            given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _invalid(error, secret=False) from None


def explained(error: ValidationError, *, secret: bool = False) -> tuple[str, str]:
    """The field that is wrong first, and the rule it breaks, with its value where that is short and not ``secret``."""
    first = error.errors(include_url=False, include_context=False)[0]
    param = ".".join(str(part) for part in first["loc"])[:_LONGEST_NAME]
    if first["type"] == "extra_forbidden":
        return param, f"there is no {param!r} to be set here"
    text, value = first["msg"].removeprefix(_OWN_WORDS), first["input"]
    plain = isinstance(value, (str, int, float, Decimal)) and len(str(value)) <= _LONGEST_SHOWN
    if secret or not plain or first["type"] == "value_error":
        return param, text
    return param, f"{text}, not {value if isinstance(value, Decimal) else repr(value)}"


def _invalid(error: ValidationError, secret: bool) -> Refused:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return refused(f"The body cannot be read: {first['msg']}.", code="invalid_json")
    param, text = explained(error, secret=secret)
    code = "unknown_field" if first["type"] == "extra_forbidden" else "invalid_value"
    return refused(f"{param}: {text}." if param else f"{text}.", param=param or None, code=code)


async def _read(request: Request) -> bytes:
    from starlette.requests import ClientDisconnect

    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > LARGEST_BODY:
                    message = f"The request body is larger than {LARGEST_BODY} bytes."
                    raise refused(message, status=413, code="request_too_large")
                parts.append(part)
    except TimeoutError:
        message = f"The request body did not arrive within {_SECONDS:g} s."
        raise refused(message, status=408, code="request_timeout") from None
    except ClientDisconnect:
        raise refused("The request body is not complete.", code="invalid_body") from None
    return b"".join(parts)
