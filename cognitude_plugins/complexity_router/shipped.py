"""What comes with the package: weights and gains per task type of a generic pair of models, and their origin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import packing
from .model import Weights

FOLDER: Final = Path(__file__).parent / "weights"
WEIGHTS: Final = FOLDER / "generic.bin"
ORIGIN: Final = FOLDER / "generic.json"
PRIOR: Final = FOLDER / "prior.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """The gain to expect of a task type where nothing was measured; it counts for as many labels as `strength` says."""

    gain: float
    strength: float


def weights() -> Weights:
    return packing.loads(WEIGHTS.read_bytes())


def origin() -> dict[str, Any]:
    """Which data, licences, command and day the weights are of, and how good they were found to be."""
    read: dict[str, Any] = json.loads(ORIGIN.read_text())
    return read


def priors() -> Mapping[str, Prior]:
    """Task type → its prior; of every type in `tasks.TASK_TYPES`."""
    return {task: Prior(**one) for task, one in json.loads(PRIOR.read_text())["task_types"].items()}
