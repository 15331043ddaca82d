"""Responses of the account endpoints: what was asked for, or why it is not to be had."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hooks import Reply, Unavailable

from ..request_body import Refused
from ..system import UNAVAILABLE, as_response
from .refusals import STATUS, Refusal

Handler = Callable[[Request], Awaitable[Response]]

_PRIVATE: Final = {"cache-control": "no-store"}


def answer(body: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(body, status_code=status, headers=_PRIVATE)


def answering(handler: Handler) -> Handler:
    """The endpoint with its refusals, and a database that does not answer, made into responses."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return as_response(refused.reply)
        except Refusal as refusal:
            return as_response(_reply(refusal))
        except Unavailable:
            return as_response(UNAVAILABLE)

    return answered


def _reply(refusal: Refusal) -> Reply:
    kind = "permission_error" if refusal.kind == "forbidden" else "invalid_request_error"
    return Reply.error(STATUS[refusal.kind], refusal.message, type=kind, code=refusal.code, param=refusal.param)
