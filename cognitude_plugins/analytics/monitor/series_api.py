"""``GET /analytics/series``: what a dashboard draws of the last hour, day, week, month or quarter."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import Caller, Reply, Unanswerable, operation
from hooks.endpoint import Refused, answering, query_as, refused, respond

from ..desk import Desk
from .series import series
from .series_bodies import SeriesBody, SeriesQuery, told


def route(desk: Desk) -> BaseRoute:
    return Route("/analytics/series", _series(desk), methods=["GET"])


def _series(desk: Desk) -> Any:
    @operation(
        "Calls, errors, latency, tokens and cost over a range that ends now, step by step",
        access="organization",
        tag="Analytics",
        request=SeriesQuery,
        responses={200: SeriesBody},
    )
    @answering
    async def show_series(request: Request) -> Response:
        query = query_as(request, SeriesQuery)
        caller: Caller = request.state.caller
        organization, gateway = caller.organization, desk.gateway
        try:
            found = await series(
                gateway.ledger,
                organization,
                query.asked(),
                now=desk.now(),
                zone=gateway.time_zone(organization),
            )
        except Unanswerable as error:
            raise _not_answered(error, query) from None
        return respond(Reply.json(told(found, organization, query, desk.config.metrics)))

    return show_series


def _not_answered(error: Unanswerable, query: SeriesQuery) -> Refused:
    if error.what != "time" or error.since is None:
        return refused(f"by: {error}.", param="by")
    by = f" by {query.by}" if query.by and error.name in ("calls", "quarters") else ""
    kept = {"calls": "single calls", "quarters": "quarters of an hour"}.get(error.name or "", error.name)
    since = error.since.isoformat()
    return refused(
        f"range {query.range}{by} takes {kept}, which are kept since {since}: ask for a shorter range.", param="range"
    )
