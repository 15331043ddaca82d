"""``/analytics``: every endpoint, each from the package of what it answers."""

from __future__ import annotations

from starlette.routing import BaseRoute

from .anomalies import api as anomalies
from .breakdown import api as breakdown
from .breakdown import summary_api as summary
from .desk import Desk
from .forecast import api as forecast
from .monitor import series_api as series
from .recommendations import api as recommendations
from .savings import api as savings


def routes(desk: Desk) -> list[BaseRoute]:
    return [
        breakdown.route(desk),
        summary.route(desk),
        series.route(desk),
        recommendations.route(desk),
        savings.route(desk),
        *forecast.routes(desk),
        *anomalies.routes(desk),
    ]
