"""What the endpoints of analytics have in common."""

from __future__ import annotations

import pytest

from cognitude_plugins.analytics.desk import Desk
from cognitude_plugins.analytics.settings import Config
from hooks.testing import FakeGateway


async def test_there_is_a_gateway_from_start_to_stop() -> None:
    desk, gateway = Desk(Config()), FakeGateway()
    async with desk.opened(gateway):
        assert desk.gateway is gateway
    with pytest.raises(RuntimeError, match="not started"):
        _ = desk.gateway
