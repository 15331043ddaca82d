"""What the router is compared with: chance, length, keyword tiers, LiteLLM's complexity router, and the oracle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Final

from .outcomes import Row

_HARD: Final = (
    "prove",
    "analyze",
    "algorithm",
    "design",
    "optimize",
    "architecture",
    "derive",
    "step by step",
    "complex",
)
_EASY: Final = ("what is", "who is", "when", "define", "list", "hello", "translate")


def chance(rows: Sequence[Row]) -> list[float]:
    return [0.0] * len(rows)


def length(rows: Sequence[Row]) -> list[float]:
    return [float(len(row.prompt)) for row in rows]


def tiers(rows: Sequence[Row]) -> list[float]:
    """Simple, medium or complex, by keywords and length: the heuristic that routers are usually made of."""
    return [float(_tier(row.prompt)) for row in rows]


def oracle(rows: Sequence[Row]) -> list[float]:
    """Knows the gains."""
    return [row.gain for row in rows]


def _tier(prompt: str) -> int:
    low = prompt.lower()
    if any(word in low for word in _HARD) or len(prompt) > 2_000:
        return 2
    return 0 if any(word in low for word in _EASY) and len(prompt) < 200 else 1


_LITELLM: Final = """
import json, sys
from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter
router = ComplexityRouter(model_name="auto", litellm_router_instance=None)
prompts = json.load(sys.stdin)
json.dump([float(router.classify(prompt)[1]) for prompt in prompts], sys.stdout)
"""


def litellm(rows: Sequence[Row]) -> list[float]:
    """The score behind its tiers, from the installed package in a process of its own; it needs no network.

    Raises ``RuntimeError`` when the installed version has no such router.
    """
    done = subprocess.run(
        [sys.executable, "-c", _LITELLM],
        input=json.dumps([row.prompt for row in rows]),
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"LiteLLM's complexity router did not run: {done.stderr.strip().splitlines()[-1]}")
    scores: list[float] = json.loads(done.stdout.splitlines()[-1])
    return scores


LOCAL: Final[dict[str, Callable[[Sequence[Row]], list[float]]]] = {
    "random": chance,
    "length": length,
    "keyword tiers": tiers,
    "oracle": oracle,
}
