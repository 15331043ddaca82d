"""``GET /analytics/anomalies``."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import Unanswerable, operation
from hooks.endpoint import answer, answering, query_as, refused

from ..desk import Desk
from ..midnights import begun, ended, zone_of
from ..unanswered import not_answered, sentence
from .anomalies import Anomaly, anomalies
from .bodies import AnomaliesAnswer, AnomaliesQuery, shown
from .drivers import Driver, Span, drivers
from .hourly import Hourly, hourly
from .score import LEAST_HOURS

_MOST: Final = 10
"""Of the highest scores: each takes some questions to the ledger to explain."""
_LONGEST: Final = 24
"""Hours up to which all of an anomaly is explained; of a longer one its worst two."""


def routes(desk: Desk) -> list[BaseRoute]:
    return [Route("/analytics/anomalies", _endpoint(desk), methods=["GET"])]


def _endpoint(desk: Desk) -> Any:
    @operation(
        "Find hours of unusual spend, errors and latency, and what they came from",
        access="organization",
        tag="Analytics",
        request=AnomaliesQuery,
        responses={200: AnomaliesAnswer, 503: None},
    )
    @answering
    async def show_anomalies(request: Request) -> Response:
        return answer(await _answered(desk, request.state.caller.organization, query_as(request, AnomaliesQuery)))

    return show_anomalies


async def _answered(desk: Desk, organization: str, query: AnomaliesQuery) -> AnomaliesAnswer:
    name = desk.gateway.time_zone(organization)
    zone = zone_of(name)
    now = desk.now().astimezone(zone)
    try:
        start, end = query.days(now.date())
    except ValueError as error:
        raise refused(sentence(error), param="end_date" if query.start_date is None else "start_date") from None
    since, until = begun(start, zone), min(ended(end, zone), now)
    try:
        hours = await hourly(desk.gateway, organization, since, until)
    except Unanswerable as error:
        raise not_answered(error, start_date=start, zone=zone) from None
    places = hours.places(since)
    found = await asyncio.to_thread(anomalies, hours.hours, places)
    worst = sorted(sorted(found, key=lambda one: -one.score)[:_MOST], key=lambda one: one.first)
    return AnomaliesAnswer(
        organization=organization,
        time_zone=name,
        start_date=start,
        end_date=end,
        hours=sum(place > LEAST_HOURS for place in places),
        anomalies=[shown(one, hours, zone, await _drivers(desk, organization, hours, one)) for one in worst],
    )


async def _drivers(desk: Desk, organization: str, hours: Hourly, found: Anomaly) -> list[Driver]:
    return await drivers(desk.gateway, organization, _span(hours, found), found.metric)


def _span(hours: Hourly, found: Anomaly) -> Span:
    if found.last - found.first < _LONGEST:
        return hours.at(found.first), hours.at(found.last + 1)
    return hours.at(found.peak - 1), hours.at(found.peak + 1)
