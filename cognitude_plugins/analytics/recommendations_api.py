"""``GET /analytics/recommendations``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import operation
from hooks.endpoint import answer, answering, query_as

from .advisor import advise
from .desk import Desk
from .recommendations_bodies import RecommendationsBody, RecommendationsQuery, body_of


def route(desk: Desk) -> BaseRoute:
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
        organization, until = request.state.caller.organization, desk.now()
        days = settings.days if wanted.days is None else wanted.days
        advice = await advise(desk.gateway, organization, settings, days=days, until=until)
        return answer(body_of(advice, organization, until, settings))

    return Route("/analytics/recommendations", show_recommendations, methods=["GET"])
