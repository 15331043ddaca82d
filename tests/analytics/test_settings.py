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
