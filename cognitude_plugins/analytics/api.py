"""``/analytics``: every endpoint, each from the module of what it answers."""

from __future__ import annotations

from starlette.routing import BaseRoute

from . import recommendations_api, savings_api
from .desk import Desk


def routes(desk: Desk) -> list[BaseRoute]:
    return [recommendations_api.route(desk), savings_api.route(desk)]
