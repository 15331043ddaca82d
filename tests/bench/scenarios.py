"""The scenarios, and how often and how long each is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .measure import Scenario

SATURATED: Final = Scenario(name="whole, 16 at once", kind="whole", concurrency=16)
BURST: Final = Scenario(name="stream in a burst", kind="stream", concurrency=16)
PACED: Final = Scenario(name="stream at a pace", kind="paced", concurrency=16)
OTHER: Final = Scenario(name="another path", kind="other", concurrency=16)
ONE: Final = Scenario(name="whole, 1 at a time", kind="whole", concurrency=1)
MANY: Final = Scenario(name="whole, 64 at once", kind="whole", concurrency=64)
ASKED: Final = Scenario(name="stream in a burst, usage asked for", kind="stream", concurrency=16, usage=True)

CHUNK_MS: Final = 3.0
"""Between the chunks of a paced stream: 16 streams of 200 chunks make about 5 000 chunks a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """``runs`` rounds over all subjects, ``seconds`` for each scenario; LiteLLM only in the first ``peer_runs``."""

    runs: int
    peer_runs: int
    seconds: float
    scenarios: tuple[Scenario, ...]


FULL: Final = Effort(runs=5, peer_runs=3, seconds=1.5, scenarios=(ONE, SATURATED, MANY, BURST, ASKED, PACED, OTHER))
QUICK: Final = Effort(runs=3, peer_runs=1, seconds=0.6, scenarios=(SATURATED, BURST, PACED, OTHER))
