"""Labels made ready."""

from __future__ import annotations

import pytest

from cognitude_plugins.complexity_router.features import POSITION
from cognitude_plugins.complexity_router.table import FOLDS, Table

from .labelled import sums


def test_deviations_have_no_mean_and_one_spread() -> None:
    table = Table.of(sums(200), seed=1)
    column = [row[POSITION["digits"]] for row in table.deviations]
    assert sum(column) == pytest.approx(0, abs=1e-6)
    assert sum(one * one for one in column) / 200 == pytest.approx(1, abs=0.1)


def test_what_no_label_differs_in_is_not_learned_from() -> None:
    table = Table.of(sums(200), seed=1)
    assert {row[POSITION["latex"]] for row in table.learned} == {0.0}
    assert len({row[POSITION["digits"]] for row in table.learned}) > 50


def test_every_fold_has_rows() -> None:
    assert set(Table.of(sums(100), seed=1).folds) == set(range(FOLDS))
