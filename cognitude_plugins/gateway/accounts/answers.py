"""Responses of the account endpoints: what was asked for, or why it is not to be had."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hooks import Reply
from hooks.endpoint import Refused, respond
from hooks.endpoint import answering as answering_refusals

from .refusals import STATUS, Refusal

Handler = Callable[[Request], Awaitable[Response]]


def answer(body: dict[str, Any], status: int = 200) -> Response:
    return respond(Reply.json(body, status=status))


def answering(handler: Handler) -> Handler:
    """The endpoint with its refusals, and a database that does not answer, made into responses."""

    @wraps(handler)
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refusal as refusal:
            raise Refused(_reply(refusal)) from None

    return answering_refusals(answered)


def _reply(refusal: Refusal) -> Reply:
    kind = "permission_error" if refusal.kind == "forbidden" else "invalid_request_error"
    return Reply.error(STATUS[refusal.kind], refusal.message, type=kind, code=refusal.code, param=refusal.param)
