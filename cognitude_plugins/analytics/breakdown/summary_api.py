"""``GET /analytics/summary``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import Reply, operation
from hooks.endpoint import answering, query_as, respond

from ..desk import Desk
from ..midnights import zone_of
from .summary import RANGES, summary
from .summary_bodies import SummaryBody, SummaryQuery, told


def route(desk: Desk) -> BaseRoute:
    @operation(
        "Show what was spent this day, week and month, and by whom",
        access="organization",
        tag="Analytics",
        request=SummaryQuery,
        responses={200: SummaryBody, 503: None},
    )
    @answering
    async def show_summary(request: Request) -> Response:
        wanted, organization = query_as(request, SummaryQuery), request.state.caller.organization
        zone, now = desk.gateway.time_zone(organization), desk.now()
        found = await summary(
            desk.gateway.ledger,
            organization,
            now=now,
            zone=zone_of(zone),
            since=now - RANGES[wanted.range],
            top=wanted.top,
        )
        return respond(Reply.json(told(found, organization=organization, time_zone=zone, range=wanted.range)))

    return Route("/analytics/summary", show_summary, methods=["GET"])
