"""What may be set, and what the lists of models come to."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cognitude_plugins.redis_cache.settings import Config


def test_a_model_of_a_group_is_known_by_the_first() -> None:
    config = Config(interchangeable=[["a", "b"], ["c", "d"]])
    assert config.representatives() == {"a": "a", "b": "a", "c": "c", "d": "c"}


def test_no_answer_crosses_organizations_unless_its_model_is_named() -> None:
    assert Config().shared_models() is None
    shared = Config(shared=["faq-*", "a?[b]"]).shared_models()
    assert shared is not None
    matched = [name for name in ("faq-1", "faq-", "my-faq-1", "a?[b]", "axb", "A?[b]") if shared.match(name)]
    assert matched == ["faq-1", "faq-", "a?[b]"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"interchangeable": [["a"]]}, "two models or more"),
        ({"interchangeable": [["a", "b"], ["b", "c"]]}, "'b' is there twice"),
        ({"max_age": 0}, "greater than 0"),
        ({"memory_seconds": 61}, "less than or equal to 60"),
        ({"scope": "world"}, "'organization', 'key' or 'user'"),
        ({"ttl": 5}, "Extra inputs"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Config(**given)
