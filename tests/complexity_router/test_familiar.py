"""Edges around labels."""

from __future__ import annotations

from cognitude_plugins.complexity_router import sparse
from cognitude_plugins.complexity_router.familiar import patches
from cognitude_plugins.complexity_router.table import Table

from .labelled import sums


def test_edges_hold_nearly_all_of_the_labels() -> None:
    table = Table.of(sums(300), seed=1)
    (found,) = patches(table, sparse.Matrix.of(table.grams))
    assert 1 <= len(found) <= 3
    assert all(patch.most_distance > 0 for patch in found)
    assert all(0 <= patch.most_unseen <= 1 for patch in found)
