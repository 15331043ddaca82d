"""The test kit for plugins: samples, a pipeline, a ledger and a gateway in miniature, and a check of the contract.

Also a pytest plugin (entry point ``pytest11``) that gives the fixtures ``make_call`` and ``exercise``.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .conformance import check_plugin
from .exercise import Exercised, exercise
from .gateway_fake import FakeGateway
from .ledger_fake import FakeCall, FakeLedger
from .samples import chunks_of, completion, make_call, streamed
from .vitals import FakeVitals

if TYPE_CHECKING:
    import pytest

    from .call import Call

__all__ = [
    "Exercised",
    "FakeCall",
    "FakeGateway",
    "FakeLedger",
    "FakeVitals",
    "check_plugin",
    "chunks_of",
    "completion",
    "exercise",
    "make_call",
    "streamed",
]


def pytest_configure(config: pytest.Config) -> None:
    """Fixtures for plugin authors. pytest is imported here only: outside pytest this module does without it."""
    import pytest

    @pytest.fixture(name="make_call", scope="session")
    def _make_call() -> Callable[..., Call]:
        """Makes a call as it comes to the first plugin."""
        return make_call

    @pytest.fixture(name="exercise", scope="session")
    def _exercise() -> Callable[..., Any]:
        """Runs one call through a list of plugins."""
        return exercise

    fixtures = ModuleType("hooks.testing.fixtures")
    vars(fixtures).update(make_call=_make_call, exercise=_exercise)
    config.pluginmanager.register(fixtures)
