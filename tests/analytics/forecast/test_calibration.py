"""The table that is shipped."""

from __future__ import annotations

from cognitude_plugins.analytics.forecast.calibration import shipped


def test_it_is_complete_and_in_order() -> None:
    table = shipped()
    assert list(table.history) == sorted(table.history)
    assert (table.history[0], table.ahead[0], table.ahead[-1]) == (3, 1, 365)
    assert (table.probabilities[0], table.probabilities[-1]) == (0.025, 0.975)
    assert len(table.quantiles) == len(table.history)
    for rows in table.quantiles:
        assert len(rows) == len(table.ahead)
        for row in rows:
            assert len(row) == len(table.probabilities)
            assert list(row) == sorted(row)
            assert row[0] < 0 < row[-1]
