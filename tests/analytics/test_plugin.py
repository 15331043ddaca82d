"""Analytics as a pipeline has it."""

from __future__ import annotations

import cognitude_plugins.analytics as package
from cognitude_plugins.analytics.settings import Config
from hooks.testing import check_plugin


def test_it_keeps_the_contract() -> None:
    check_plugin(package.Analytics(Config()))
