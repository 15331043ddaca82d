"""What is heard at which level."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from cognitude_plugins.gateway.cli.logs import set_up


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("cognitude")
    before = root.handlers[:], root.level, own.level
    yield
    root.handlers[:], root.level, own.level = before
    root.manager._clear_cache()  # type: ignore[attr-defined]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_gateway_is_heard_from_the_level_on_and_others_when_they_warn(level: str) -> None:
    logging.getLogger().handlers.clear()
    set_up(level)
    asked = logging.getLevelName(level.upper())
    assert logging.getLogger("cognitude.accounts").getEffectiveLevel() == asked
    assert logging.getLogger("some.other.library").getEffectiveLevel() == max(asked, logging.WARNING)
    for name in ("httpx", "httpcore.connection", "openai._base_client", "aiohttp.client", "sqlalchemy.engine"):
        assert logging.getLogger(name).getEffectiveLevel() >= logging.WARNING
