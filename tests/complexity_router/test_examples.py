"""Features as bytes, and back."""

from __future__ import annotations

import pytest

from cognitude_plugins.complexity_router.examples import dumps, loads
from cognitude_plugins.complexity_router.features import describe

TEXT = "A train leaves at 12:30 with 240 passengers. How many are left when a third of them gets off?"


def test_what_is_packed_is_what_was_described_to_six_digits() -> None:
    features = describe(TEXT)
    found = loads(dumps(features))
    assert (found.grams, found.characters) == (features.grams, features.characters)
    assert found.values == pytest.approx(features.values, rel=1e-6)
    assert dumps(found) == dumps(features)


def test_no_text_is_in_it_and_it_is_small() -> None:
    packed = dumps(describe(TEXT))
    assert b"train" not in packed
    assert len(packed) < 600


@pytest.mark.parametrize("packed", [b"", b"nothing", dumps(describe(TEXT))[:-9], dumps(describe(TEXT))[9:]])
def test_what_is_none_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="these"):
        loads(packed)
