"""``/analytics``: every endpoint, each from the module of what it answers."""

from __future__ import annotations

from starlette.routing import BaseRoute

from .desk import Desk
from .series_api import series_routes


def routes(desk: Desk) -> list[BaseRoute]:
    return [*series_routes(desk)]
