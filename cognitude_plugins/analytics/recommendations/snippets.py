"""Pieces of ``plugins.yaml`` that a recommendation shows: every one of them passes ``cognitude check``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def step(use: str, *config: str) -> str:
    """One entry of the pipeline with lines of its configuration."""
    lines = ["pipeline:", f"  - use: {use}"]
    if config:
        lines += ["    config:", *(f"      {line}" for line in config)]
    return "\n".join(lines) + "\n"


def routed(alias: str, candidates: Sequence[str], default: str) -> str:
    """An alias over these models, routed by complexity."""
    return f"models:\n  - name: {json.dumps(alias)}\n    candidates: {json.dumps(list(candidates))}\n" + step(
        "complexity_router",
        "aliases:",
        f"  {json.dumps(alias)}: {{default: {json.dumps(default)}, optimize_for: cost}}",
    )


def stated(alias: str | None, default: str, quality: Mapping[str, float]) -> str:
    """The router told how good a model is."""
    lines = [f"  {json.dumps(name)}: {share}" for name, share in quality.items()]
    aliases = [] if alias is None else ["aliases:", f"  {json.dumps(alias)}: {{default: {json.dumps(default)}}}"]
    return step("complexity_router", *aliases, "quality:", *lines)


def defaults(rules: Sequence[Mapping[str, Any]]) -> str:
    """Rules of ``request_defaults``."""
    return step("request_defaults", "rules:", *(f"  - {json.dumps(rule)}" for rule in rules))
