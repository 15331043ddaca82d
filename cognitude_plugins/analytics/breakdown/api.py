"""``GET /analytics/breakdown``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import Unanswerable, operation
from hooks.endpoint import answering, query_as, refused

from ..desk import Desk
from ..midnights import begun, ended, zone_of
from ..unanswered import not_answered, sentence
from .bodies import BreakdownBody, BreakdownQuery, told
from .breakdown import Asked, breakdown, default_order
from .csv_text import as_csv

_DAYS: Final = 30


def route(desk: Desk) -> BaseRoute:
    @operation(
        "Break down what was used and spent, as JSON or CSV",
        access="organization",
        tag="Analytics",
        request=BreakdownQuery,
        responses={200: BreakdownBody, 503: None},
    )
    @answering
    async def show_breakdown(request: Request) -> Response:
        wanted, organization = query_as(request, BreakdownQuery), request.state.caller.organization
        zone = wanted.zone or desk.gateway.time_zone(organization)
        first, last = _days(wanted, desk, zone)
        asked = _asked(wanted, first, last, zone)
        try:
            found = await breakdown(desk.gateway.ledger, organization, asked)
        except Unanswerable as error:
            raise not_answered(error, start_date=first, zone=zone_of(zone)) from None
        head = {
            "organization": organization,
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
            "time_zone": zone,
            "group_by": list(wanted.dimensions),
            "order": wanted.order or default_order(wanted.dimensions),
        }
        written = _csv if _wants_csv(request, wanted) else _json
        # Of ten thousand groups it takes some tenths of a second, in which calls are not to wait.
        return await asyncio.to_thread(lambda: written(told(found, desk.config.metrics, **head)))

    return Route("/analytics/breakdown", show_breakdown, methods=["GET"])


def _days(wanted: BreakdownQuery, desk: Desk, zone: str) -> tuple[date, date]:
    try:
        today = desk.now().astimezone(zone_of(zone)).date()
    except ValueError as error:
        raise refused(sentence(error), param="zone") from None
    last = wanted.end_date or today
    first = wanted.start_date or last - timedelta(days=min(_DAYS - 1, (last - date(1970, 1, 2)).days))
    if first > last:
        raise refused(f"start_date {first} is after end_date {last}.", param="start_date")
    return first, last


def _asked(wanted: BreakdownQuery, first: date, last: date, zone: str) -> Asked:
    where = zone_of(zone)
    return Asked(
        since=begun(first, where),
        until=ended(last, where),
        zone=zone,
        group_by=wanted.dimensions,
        filters=wanted.filters,
        order=wanted.order,
        limit=wanted.limit,
        latencies=wanted.latencies,
    )


def _wants_csv(request: Request, wanted: BreakdownQuery) -> bool:
    if wanted.format is not None:
        return wanted.format == "csv"
    kinds = [one.partition(";")[0].strip() for one in request.headers.get("accept", "").lower().split(",")]
    return "text/csv" in kinds and "application/json" not in kinds[: kinds.index("text/csv")]


def _json(answer: Mapping[str, Any]) -> Response:
    """Encoded here: thousands of groups are not to be frozen first as what plugins hand on is."""
    return Response(orjson.dumps(answer), media_type="application/json", headers={"cache-control": "no-store"})


def _csv(answer: Mapping[str, Any]) -> Response:
    name = f"breakdown-{answer['start_date']}-{answer['end_date']}.csv"
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{name}"'}
    return Response(as_csv(answer), media_type="text/csv", headers=headers)
