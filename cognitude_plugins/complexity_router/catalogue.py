"""How good models are by what has been published of them: the prior, until an organization's own calls say better.

Three figures for each family, shares of right answers on MMLU (knowledge), MATH (mathematics) and HumanEval (code), as
their makers announced them, rounded; where a maker gave none, that of the nearest member of the family. They are rough,
were measured in different ways, and are worth no more than `gain.STRENGTH` comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Published:
    """Shares of right answers, 0 … 1."""

    knowledge: float
    math: float
    code: float

    def quality(self, task: str) -> float:
        """What can be expected for a kind of task.

        Reasoning is taken as halfway between knowledge and mathematics. Of writing, summaries and the like nothing
        comparable is published: half the mistakes of the knowledge test.
        """
        if task == "math":
            return self.math
        if task == "code":
            return self.code
        if task == "knowledge":
            return self.knowledge
        return (self.knowledge + self.math) / 2 if task == "reasoning" else (1 + self.knowledge) / 2


FAMILIES: Final[Mapping[str, Published]] = {
    "claude-3-haiku": Published(0.75, 0.39, 0.76),
    "claude-3-opus": Published(0.87, 0.60, 0.85),
    "claude-3-5-haiku": Published(0.80, 0.69, 0.88),
    "claude-3-5-sonnet": Published(0.89, 0.78, 0.93),
    "claude-3-7-sonnet": Published(0.89, 0.82, 0.93),
    "claude-haiku-4": Published(0.86, 0.85, 0.92),
    "claude-sonnet-4": Published(0.89, 0.90, 0.95),
    "claude-opus-4": Published(0.90, 0.92, 0.95),
    "deepseek-chat": Published(0.88, 0.87, 0.86),
    "deepseek-reasoner": Published(0.91, 0.97, 0.93),
    "gemini-1.5-flash": Published(0.79, 0.78, 0.74),
    "gemini-1.5-pro": Published(0.86, 0.87, 0.84),
    "gemini-2.0-flash": Published(0.85, 0.90, 0.88),
    "gemini-2.5-flash-lite": Published(0.82, 0.85, 0.85),
    "gemini-2.5-flash": Published(0.88, 0.93, 0.91),
    "gemini-2.5-pro": Published(0.90, 0.95, 0.94),
    "gpt-3.5-turbo": Published(0.70, 0.43, 0.68),
    "gpt-4-turbo": Published(0.86, 0.73, 0.87),
    "gpt-4o-mini": Published(0.82, 0.70, 0.87),
    "gpt-4o": Published(0.88, 0.77, 0.90),
    "gpt-4.1-nano": Published(0.80, 0.70, 0.85),
    "gpt-4.1-mini": Published(0.88, 0.80, 0.90),
    "gpt-4.1": Published(0.90, 0.83, 0.93),
    "gpt-5-nano": Published(0.80, 0.85, 0.88),
    "gpt-5-mini": Published(0.88, 0.93, 0.93),
    "gpt-5": Published(0.92, 0.96, 0.95),
    "llama-3.1-8b": Published(0.73, 0.52, 0.73),
    "llama-3.1-70b": Published(0.86, 0.68, 0.81),
    "llama-3.3-70b": Published(0.86, 0.77, 0.88),
    "mistral-large": Published(0.84, 0.72, 0.92),
    "mistral-small": Published(0.81, 0.70, 0.85),
    "mixtral-8x7b": Published(0.71, 0.28, 0.40),
    "o1-mini": Published(0.85, 0.90, 0.92),
    "o3-mini": Published(0.87, 0.97, 0.95),
    "o3": Published(0.92, 0.97, 0.96),
    "o4-mini": Published(0.90, 0.97, 0.95),
    "qwen2.5-72b": Published(0.86, 0.83, 0.87),
}


@lru_cache(maxsize=1024)
def published(upstream_model: str) -> Published | None:
    """The family whose name an upstream's model begins with, behind its vendor's, the longest first."""
    name = upstream_model.lower().rpartition("/")[2].removeprefix("meta-").removeprefix("open-")
    name = name.rpartition("anthropic.")[2]
    fitting = [family for family in FAMILIES if name.startswith(family)]
    return FAMILIES[max(fitting, key=len)] if fitting else None
