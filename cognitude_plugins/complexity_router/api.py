"""``/v1/smart`` and ``/v1/feedback``: calls without a model, what would become of them, and how good answers were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import Reply, operation
from hooks.endpoint import Refused, answer, answering, body_as, explained, query_as, refused

from .bodies import Analysis, Feedback, FeedbackRequest, Nothing, SmartInfo, SmartRequest, SmartWishes
from .desk import Desk, dry_run
from .report import RoutingReport

_TAG: Final = "Routing"
_WISHES: Final = ("optimize_for", "max_latency_ms", "max_cost", "min_quality")
_WHY_NOT: Final = {
    "absent": (404, "not_found", "The organization has no call {id!r}, or it is no longer kept."),
    "not_routed": (409, "not_routed", "The call {id!r} was not routed by this router."),
    "already_rated": (409, "already_rated", "The answer {id!r} has been rated before; the first rating counts."),
}


def routes(desk: Desk) -> list[BaseRoute]:
    api = _Api(desk=desk)
    return [
        Route("/v1/smart/completions", api.completions(), methods=["POST"]),
        Route("/v1/smart/analyze", api.analyze(), methods=["POST"]),
        Route("/v1/smart/info", api.info(), methods=["GET"]),
        Route("/v1/feedback", api.feedback(), methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    desk: Desk

    @property
    def alias(self) -> str:
        return next(iter(self.desk.config.aliases))

    def completions(self) -> Any:
        @operation(
            "Answer a conversation with the model that is good enough",
            access="member",
            tag=_TAG,
            serves="chat",
            request=SmartRequest,
            responses={
                200: {
                    "application/json": {
                        "type": "object",
                        "description": "A chat completion, with the member routing.",
                        "required": ["choices"],
                    },
                    "text/event-stream": {"type": "string"},
                }
            },
        )
        def smart_completions(body: Mapping[str, Any]) -> Mapping[str, Any] | Reply:
            return asked(body, self.alias)

        return smart_completions

    def analyze(self) -> Any:
        @operation(
            "Say which model would answer a conversation, and why",
            access="member",
            tag=_TAG,
            request=SmartRequest,
            responses={200: Analysis, 402: None, 404: None, 409: None, 429: None},
        )
        @answering
        async def analyze(request: Request) -> Response:
            sent = await body_as(request, SmartRequest)
            body = asked(sent.model_dump(exclude_unset=True), self.alias)
            if isinstance(body, Reply):
                raise Refused(body)
            reply = await self.desk.analyze(dry_run(request.state.caller, dict(body)))
            found = reply.body
            if reply.status != 200 or not isinstance(found, Mapping) or "routing" not in found:
                raise Refused(reply if reply.status >= 400 else _answered_early(reply))
            return answer(
                Analysis(
                    routing=RoutingReport.model_validate(found["routing"]),
                    deployments=list(found["deployments"]),
                    reasons=list(found["reasons"]),
                )
            )

        return analyze

    def info(self) -> Any:
        @operation(
            "Show what the router chooses among, and what it has learned",
            access="organization",
            tag=_TAG,
            request=Nothing,
            responses={200: SmartInfo, 503: None},
        )
        @answering
        async def smart_info(request: Request) -> Response:
            query_as(request, Nothing)
            return answer(await self.desk.info(request.state.caller.organization))

        return smart_info

    def feedback(self) -> Any:
        @operation(
            "Say how good an answer was",
            access="member",
            tag=_TAG,
            request=FeedbackRequest,
            responses={200: Feedback, 404: None, 409: None, 503: None},
        )
        @answering
        async def give_feedback(request: Request) -> Response:
            given = await body_as(request, FeedbackRequest)
            found = await self.desk.rate(request.state.caller, given.request_id, given.value)
            if isinstance(found, str):
                status, code, text = _WHY_NOT[found]
                raise refused(text.format(id=given.request_id), status=status, code=code, param="request_id")
            return answer(found)

        return give_feedback


def asked(body: Mapping[str, Any], alias: str) -> Mapping[str, Any] | Reply:
    """The call that the pipeline is to have; the 400 for what is wrong with it."""
    if "model" in body:
        text = "model: this endpoint chooses the model; to name one, use /v1/chat/completions."
        return Reply.error(400, text, param="model", code="unknown_field")
    if "routing" in body:
        text = f"routing: here its members stand by themselves: {', '.join(_WISHES)}."
        return Reply.error(400, text, param="routing", code="unknown_field")
    if not isinstance(body.get("messages"), (list, tuple)):
        return Reply.error(400, "messages: it must be an array.", param="messages", code="invalid_value")
    try:
        SmartWishes.model_validate({name: body[name] for name in _WISHES if name in body})
    except ValidationError as error:
        param, text = explained(error)
        return Reply.error(400, f"{param}: {text}.", param=param, code="invalid_value")
    wishes = {name: body[name] for name in _WISHES if body.get(name) is not None}
    rest = {name: value for name, value in body.items() if name not in _WISHES}
    return {**rest, "model": alias, "routing": {**wishes, "report": True}}


def _answered_early(reply: Reply) -> Reply:
    text = "A plugin before the router answers this call, so that nothing is decided."
    return Reply.error(409, text, code="answered_early")
