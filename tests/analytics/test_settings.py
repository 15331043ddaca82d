"""What may stand in the configuration of analytics."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cognitude_plugins.analytics.settings import Config


def test_prompts_are_told_apart_without_being_asked_to() -> None:
    assert Config().fingerprints


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="fingerprint"):
        Config.model_validate({"fingerprint": False})


def test_a_metric_is_checked_when_it_is_read() -> None:
    """The name that is not known is told with its place, and with the nearest that is."""
    with pytest.raises(ValidationError, match="'cost_us' at character 5 is not known; the nearest is 'cost_usd'"):
        Config.model_validate({"metrics": [{"name": "each", "expression": "1 + cost_us"}]})


@pytest.mark.parametrize(
    ("names", "said"),
    [(("a", "a"), "there are 2 metrics called 'a'"), (("calls",), "cannot be called 'calls'"), (("A-b",), "pattern")],
)
def test_a_metric_has_a_name_of_its_own(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Config.model_validate({"metrics": [{"name": name, "expression": "calls"} for name in names]})
