"""``GET /analytics/recommendations``."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import operation
from hooks.endpoint import answer, answering, query_as

from ..desk import Desk
from ..remembered import Remembered
from .advisor import Advice, advise
from .bodies import RecommendationsBody, RecommendationsQuery, body_of


def route(desk: Desk) -> BaseRoute:
    remembered: Remembered[tuple[Advice, datetime]] = Remembered()

    @operation(
        "Recommend what to change, with the saving it would have had on the organization's own calls",
        access="organization",
        tag="Analytics",
        request=RecommendationsQuery,
        responses={200: RecommendationsBody, 503: None},
    )
    @answering
    async def show_recommendations(request: Request) -> Response:
        settings, wanted = desk.config.recommendations, query_as(request, RecommendationsQuery)
        organization = request.state.caller.organization
        days = settings.days if wanted.days is None else wanted.days

        async def make() -> tuple[Advice, datetime]:
            now = desk.now()
            return await advise(desk.gateway, organization, settings, days=days, until=now), now

        advice, until = await remembered.get((organization, days), make)
        return answer(body_of(advice, organization, until, settings))

    return Route("/analytics/recommendations", show_recommendations, methods=["GET"])
