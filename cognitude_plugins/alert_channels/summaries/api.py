"""``POST /alerts/summaries``: a summary to look at, or to be sent now."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import EVERY_ORGANIZATION, Caller, Unanswerable, operation
from hooks.endpoint import answer, answering, body_as, query_as, refused

from ..channels.target import Target
from .bodies import NewSummary, Nothing, SummaryShown, told
from .desk import Desk


def routes(desk: Desk) -> list[BaseRoute]:
    return [Route("/alerts/summaries", _made(desk), methods=["POST"])]


def _made(desk: Desk) -> Any:
    @operation(
        "Make a summary, and send it to a channel if one is named",
        access="organization_admin",
        across=True,
        tag="Summaries",
        request=NewSummary,
        responses={200: SummaryShown, 404: None, 408: None, 503: None},
    )
    @answering
    async def make_summary(request: Request) -> Response:
        body = await body_as(request, NewSummary)
        query_as(request, Nothing)
        caller: Caller = request.state.caller
        organization = caller.organization or EVERY_ORGANIZATION
        target = None if body.channel is None else _target(desk, caller, organization, body.channel)
        try:
            message = await desk.made(organization, body.kind, body.last)
        except Unanswerable as error:
            raise refused(f"last: {error}.", param="last") from None
        if target is not None:
            await desk.send(message, target)
        return answer(told(message, body.channel))

    return make_summary


def _target(desk: Desk, caller: Caller, organization: str, name: str) -> Target:
    """The gateway's own channels are for gateway admins to send to."""
    found = desk.channels.named(organization, name)
    if found is None or not (caller.admin or found.organization == organization):
        raise refused(f"There is no channel {name!r}.", param="channel", status=404, code="not_found")
    return found
