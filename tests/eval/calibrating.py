"""The table of errors that is shipped, from generated series that the evaluation does not see."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Final

from cognitude_plugins.analytics.forecast.calibration import FILE
from cognitude_plugins.analytics.forecast.conformal import Table
from cognitude_plugins.analytics.forecast.daily import Daily
from cognitude_plugins.analytics.forecast.past import Past

from .series import KINDS, Series, many

SEED: Final = "calibration"
PER_KIND: Final = 150
HISTORY: Final = (3, 5, 7, 10, 14, 21, 28, 42, 60, 90, 120)
AHEAD: Final = (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90, 180, 365)
PROBABILITIES: Final = (0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975)
_MONDAY: Final = date(2024, 1, 1)
_NOTHING: Final = Table(probabilities=(), history=(), ahead=(), quantiles=())


def daily(series: Series) -> Daily:
    return Daily(first=_MONDAY + timedelta(days=series.weekday), spend=series.spend)


def table(seed: str = SEED, per_kind: int = PER_KIND) -> Table:
    """Each series is one error for each pair of days of history and days ahead: all of these are of the same length."""
    errors: dict[tuple[int, int], list[float]] = {}
    for series in many(seed, per_kind, HISTORY[-1] + AHEAD[-1]):
        past = Past(daily(series), _NOTHING, most=AHEAD[-1])
        for history in HISTORY:
            for ahead in AHEAD:
                errors.setdefault((history, ahead), []).append(past.error(history, ahead))
    for found in errors.values():
        found.sort()
    return Table(
        probabilities=PROBABILITIES,
        history=HISTORY,
        ahead=AHEAD,
        quantiles=tuple(
            tuple(tuple(_quantile(errors[history, ahead], one) for one in PROBABILITIES) for ahead in AHEAD)
            for history in HISTORY
        ),
    )


def write(found: Table) -> None:
    rows = ",\n".join(
        "  [\n" + ",\n".join(f"   {json.dumps(row)}" for row in rows) + "\n  ]" for rows in found.quantiles
    )
    head = {"command": "make eval-forecast WRITE=1", "seed": SEED, "series": PER_KIND * len(KINDS)}
    grids = {"probabilities": found.probabilities, "history": found.history, "ahead": found.ahead}
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in {**head, **grids}.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + ',\n "quantiles": [\n' + rows + "\n ]\n}\n")


def _quantile(ordered: list[float], probability: float) -> float:
    """Of a sample of n the i-th stands at i / (n + 1): a new one is as likely in any of the n + 1 gaps."""
    place = min(max(probability * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (place - low) * (ordered[high] - ordered[low]), 4)
