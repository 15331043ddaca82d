"""Weights as bytes and back."""

from __future__ import annotations

import zlib

import pytest

from cognitude_plugins.complexity_router import model, packing, training

from .labelled import topics


def test_unpacked_weights_score_alike() -> None:
    weights = training.fit(topics(400)).weights
    again = packing.loads(packing.dumps(weights))
    for one in topics(50, seed=1):
        assert model.score(again, one.features).gain == pytest.approx(model.score(weights, one.features).gain, abs=5e-3)
    assert again.rows == 400


@pytest.mark.parametrize("packed", [b"", b"x" * 99, packing.MAGIC + b"x", packing.MAGIC + zlib.compress(b"{}")])
def test_what_is_no_weights_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="routing weights"):
        packing.loads(packed)
