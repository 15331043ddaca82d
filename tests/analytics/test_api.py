"""Every endpoint of analytics."""

from __future__ import annotations

from cognitude_plugins.analytics.api import routes
from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.settings import Config


def test_all_of_them_are_below_one_path() -> None:
    assert all(route.path.startswith("/analytics/") for route in routes(Desk(Config())))  # type: ignore[attr-defined]
