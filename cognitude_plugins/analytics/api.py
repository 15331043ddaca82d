"""``/analytics``: every endpoint, each from the module of what it answers."""

from __future__ import annotations

from starlette.routing import BaseRoute

from . import (
    anomalies_api,
    breakdown_api,
    forecast_api,
    recommendations_api,
    savings_api,
    series_api,
    summary_api,
)
from .desk import Desk


def routes(desk: Desk) -> list[BaseRoute]:
    return [
        breakdown_api.route(desk),
        summary_api.route(desk),
        *series_api.series_routes(desk),
        recommendations_api.route(desk),
        savings_api.route(desk),
        *forecast_api.routes(desk),
        *anomalies_api.routes(desk),
    ]
