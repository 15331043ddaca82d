"""What single prompts need, learned from an organization's own comparisons of one pair of models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from . import packing
from .calibration import Outcome, threshold
from .features import Features
from .model import Weights, score
from .training import Example, fit

FEWEST: Final = 300
"""Labels: with fewer the gain table knows as much."""
FLOORS: Final = (0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99)
"""Shares of the default's quality for which thresholds are kept."""
_CONFIDENCE: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """``thresholds`` by floor: a prompt whose expected loss is below may go to the candidate, and the floor is kept."""

    weights: Weights
    thresholds: Mapping[float, float]

    def allows(self, features: Features, floor: float) -> bool | None:
        """Whether the prompt may go to the candidate at this floor; None for prompts of which the labels had none."""
        found = score(self.weights, features)
        kept = [one for one in self.thresholds if one >= floor]
        return found.gain < self.thresholds[min(kept)] if found.known and kept else None

    def dumps(self) -> bytes:
        head = json.dumps(sorted(self.thresholds.items())).encode()
        return head + b"\n" + packing.dumps(self.weights)

    @classmethod
    def loads(cls, packed: bytes) -> Study:
        """Raises ``ValueError`` for what `dumps` did not make, or another version did."""
        head, _, weights = packed.partition(b"\n")
        return cls(weights=packing.loads(weights), thresholds=dict(json.loads(head)))


def study(labels: Sequence[tuple[float, Features]], *, seed: int = 0) -> Study:
    """``labels`` are losses with their prompts. Thresholds come from what was said of prompts that were held out.

    Only differences of quality are known: the default's is taken as 1, and the candidate's as 1 less the loss.
    """
    fitted = fit([Example(features=features, gain=loss) for loss, features in labels], seed=seed)
    outcomes = [
        Outcome(gain=gain, weak=1 - loss, strong=1.0) for gain, (loss, _) in zip(fitted.held_out, labels, strict=True)
    ]
    found = {floor: threshold(outcomes, floor=floor, confidence=_CONFIDENCE).threshold for floor in FLOORS}
    return Study(weights=fitted.weights, thresholds=found)
