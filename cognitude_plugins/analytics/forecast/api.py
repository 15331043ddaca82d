"""``GET /analytics/forecast``."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import operation
from hooks.endpoint import answer, answering, query_as

from ..desk import Desk
from .bodies import ForecastAnswer, ForecastQuery, answered
from .calibration import shipped
from .forecast import Asked, Forecast, forecast
from .spending import Spending, spending


def routes(desk: Desk) -> list[BaseRoute]:
    return [Route("/analytics/forecast", _endpoint(desk), methods=["GET"])]


def _endpoint(desk: Desk) -> Any:
    @operation(
        "Forecast what a day, week, month and year will cost, and when a budget runs out",
        access="organization",
        tag="Analytics",
        request=ForecastQuery,
        responses={200: ForecastAnswer, 503: None},
    )
    @answering
    async def show_forecast(request: Request) -> Response:
        asked = query_as(request, ForecastQuery).asked()
        organization = request.state.caller.organization
        spent = await spending(desk.gateway, organization, desk.now())
        found = await asyncio.to_thread(_made, spent, asked)
        return answer(answered(organization, desk.gateway.time_zone(organization), spent, asked, found))

    return show_forecast


def _made(spent: Spending, asked: Asked) -> Forecast:
    return forecast(spent, shipped(), asked)
