"""``GET /analytics/savings``."""

from __future__ import annotations

from datetime import date, timedelta
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import Gateway, Usage, operation
from hooks.endpoint import answer, answering, query_as, refused

from ..calendar_days import Days
from ..desk import Desk
from .bodies import SavingsBody, SavingsQuery, body_of
from .savings import savings

_DAYS: Final = 30
_MOST_DAYS: Final = 400


def route(desk: Desk) -> BaseRoute:
    @operation(
        "Show what caches, coalescing and routing have saved, by day",
        access="organization",
        tag="Analytics",
        request=SavingsQuery,
        responses={200: SavingsBody, 503: None},
    )
    @answering
    async def show_savings(request: Request) -> Response:
        wanted, organization = query_as(request, SavingsQuery), request.state.caller.organization
        gateway, zone = desk.gateway, desk.gateway.time_zone(organization)
        days = _days(wanted, desk.now().astimezone(ZoneInfo(zone)).date(), zone)
        baseline = wanted.baseline or desk.config.baseline
        deployment = None if baseline is None else _deployment(gateway, baseline)
        found = await savings(gateway, organization, days, deployment)
        return answer(body_of(found, days, organization=organization, zone=zone, baseline=baseline))

    return Route("/analytics/savings", show_savings, methods=["GET"])


def _days(wanted: SavingsQuery, today: date, zone: str) -> Days:
    last = wanted.end_date or today
    first = wanted.start_date or last - timedelta(days=_DAYS - 1)
    if first > last:
        raise refused(f"start_date {first} is after end_date {last}.", param="start_date")
    if (last - first).days >= _MOST_DAYS:
        raise refused(f"From {first} to {last} are more than {_MOST_DAYS} days.", param="start_date")
    return Days.of(first, last, zone)


def _deployment(gateway: Gateway, baseline: str) -> str:
    """The first of a model, by whose price it is held against."""
    found = gateway.models.get(baseline)
    if not found:
        nearest = get_close_matches(baseline, gateway.models, n=1)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise refused(f"There is no model {baseline!r} to hold against.{hint}", param="baseline")
    if gateway.cost(found[0], Usage(prompt_tokens=1, completion_tokens=1)) is None:
        raise refused(f"The price of the model {baseline!r} is not known.", param="baseline")
    return found[0].id
