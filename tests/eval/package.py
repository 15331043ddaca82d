"""Writes what is shipped: weights from all rows, gains per task type, and where both come from."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cognitude_plugins.complexity_router import packing, shipped, training
from cognitude_plugins.complexity_router.tasks import TASK_TYPES, task_type

from .outcomes import Row, examples, sources

COMMAND: Final = "make eval-routing WRITE=1"
_DRAW: Final = 30.0
"""A task type's gain is drawn towards the mean of all rows as if so many rows said that."""
_LEAST_STRENGTH, _MOST_STRENGTH = 5.0, 50.0


def write(rows: Sequence[Row], data: Path, seed: int, figures: dict[str, Any]) -> None:
    shipped.FOLDER.mkdir(exist_ok=True)
    weights = training.fit(examples(rows), seed=seed).weights
    packed = packing.dumps(weights)
    shipped.WEIGHTS.write_bytes(packed)
    origin = {
        "command": COMMAND,
        "seed": seed,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "data": data.name,
        "data_sha256": hashlib.sha256(data.read_bytes()).hexdigest(),
        "weights_sha256": hashlib.sha256(packed).hexdigest(),
        "sources": [_source([row for row in rows if row.source == name]) for name in sources(rows)],
        "measured": figures,
    }
    shipped.ORIGIN.write_text(json.dumps(origin, indent=1, ensure_ascii=False) + "\n")
    shipped.PRIOR.write_text(json.dumps({"command": COMMAND, "task_types": priors(rows)}, indent=1) + "\n")


def priors(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Task type → gain and strength: the more sources differ in it, the less it counts where something is measured."""
    mean = statistics.fmean(row.gain for row in rows)
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[task_type(row.features)].append(row)
    return {
        task: {
            "gain": round((sum(row.gain for row in some) + _DRAW * mean) / (len(some) + _DRAW), 4),
            "strength": round(_strength(some), 1),
        }
        for task in TASK_TYPES
        for some in [found[task]]
    }


def _strength(rows: Sequence[Row]) -> float:
    """Variance of single gains over that of the sources' means: as many labels tell as much as the prior does."""
    means = [
        statistics.fmean(gains)
        for name in sources(rows)
        if len(gains := [row.gain for row in rows if row.source == name]) >= 20
    ]
    if len(means) < 2:
        return _LEAST_STRENGTH
    between = statistics.pvariance(means) or 1e-9
    within = statistics.pvariance([row.gain for row in rows])
    return max(_LEAST_STRENGTH, min(_MOST_STRENGTH, within / between))


def _source(rows: Sequence[Row]) -> dict[str, Any]:
    return {"source": rows[0].source, "rows": len(rows), "models": rows[0].pair, "licence": rows[0].licence}
