"""What holds for every test: long forms are asked for, and in CI nothing is passed over."""

from __future__ import annotations

import logging
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import (
    database_url,
    each_database,
    empty_database,
    postgres,
    postgres_url,
    sqlite_url,
)
from tests.redis_servers import redis_cluster, redis_server, shared_redis

__all__ = [
    "database_url",
    "each_database",
    "empty_database",
    "postgres",
    "postgres_url",
    "redis_cluster",
    "redis_server",
    "shared_redis",
    "sqlite_url",
]

# How long an example takes says how busy the machine is.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

SOAK = os.environ.get("COGNITUDE_SOAK") == "1"


@pytest.fixture(autouse=True)
def _loud() -> None:
    """Whoever configured logging in this process before: this test hears everything."""
    logging.disable(logging.NOTSET)
    for name in ("cognitude", *(name for name in logging.root.manager.loggerDict if name.startswith("cognitude."))):
        one = logging.getLogger(name)
        one.disabled, one.propagate = False, True
        one.setLevel(logging.NOTSET)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long forms run in ``make soak``; elsewhere they are not there, which is not the same as skipped.

    Journeys come first: at the end there are short files only, so that all processes end together.
    """
    items.sort(key=lambda item: "journeys" not in item.path.parts)
    if not SOAK:
        long = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that is skipped because something is missing is a failure in CI."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
