"""Which models a key may use: names and patterns in which ``*`` stands for anything."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import replace
from functools import lru_cache

from hooks import Plan


def allows(patterns: tuple[str, ...], name: str) -> bool:
    """Whether one of the patterns is this name or covers it."""
    return any(pattern.match(name) for pattern in _compiled(patterns))


def narrowed(plan: Plan, requested: str, patterns: tuple[str, ...]) -> Plan:
    """What is left of a plan: all of it if the requested name is allowed, else those deployments whose model is.

    So a key for ``small`` gets ``small`` of an alias that has it among others, and a key for the alias gets them all.
    """
    if allows(patterns, requested):
        return plan
    return replace(plan, deployments=tuple(one for one in plan.deployments if allows(patterns, one.model)))


@lru_cache(maxsize=1024)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """``fnmatch`` makes expressions that do not backtrack from star to star."""
    return tuple(re.compile(fnmatch.translate(_literal_but_stars(pattern))) for pattern in patterns)


def _literal_but_stars(pattern: str) -> str:
    return "".join(f"[{char}]" if char in "[?" else char for char in pattern)
