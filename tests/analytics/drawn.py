"""Screens as they were looked at, each in a file of its own: ``WRITE_SCREENS=1`` writes them anew."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from functools import cache
from math import sin
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from cognitude_plugins.analytics.monitor.series import series
from cognitude_plugins.analytics.monitor.series_bodies import SeriesQuery, told
from hooks.testing import FakeCall, FakeLedger

SCREENS = Path(__file__).with_name("screens")
NOW = datetime(2026, 11, 30, 13, 7, 31, tzinfo=UTC)
ZONE = "Europe/Berlin"
_MODELS = (("gpt-4o", "openai"), ("gpt-4o-mini", "openai"), ("claude-sonnet-4-5", "anthropic"), ("漢字-模型", "vllm"))


def looked_at(name: str, screen: Text, *, width: int = 80, height: int = 24) -> None:
    """That a screen is what it was when somebody looked at it, and fits."""
    lines = screen.plain.split("\n")
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)
    path = SCREENS / f"{name}.txt"
    if os.environ.get("WRITE_SCREENS"):
        path.write_text(screen.plain + "\n")
    assert screen.plain + "\n" == path.read_text()


@cache
def traffic() -> FakeLedger:
    """Of the last hundred days, more by day than by night and more this month than before."""
    return FakeLedger(*(_call(number) for number in range(2_400)))


def said(query: SeriesQuery, ledger: FakeLedger | None = None) -> Any:
    """What ``GET /analytics/series`` answers, as JSON."""
    found = asyncio.run(series(ledger or traffic(), "acme", query.asked(), now=NOW, zone=ZONE))
    return json.loads(json.dumps(told(found, "acme", query, ())))


def _call(number: int) -> FakeCall:
    back = timedelta(hours=number * 0.21 if number < 1_200 else 252 + (number - 1_200) * 1.8)
    swing = 1 + sin(number / 25)
    model, provider = _MODELS[number * number % 7 % 4]
    failed = number % 41 == 0
    return FakeCall(
        at=NOW - back,
        model="" if failed else model,
        provider=provider,
        key=f"key-{number % 3}",
        status=502 if failed else 200,
        source="error" if failed else "redis_cache" if number % 5 == 0 else "provider",
        prompt_tokens=400 + number % 300,
        completion_tokens=120,
        cost_nano_usd=None if number % 100 == 7 else 0 if failed or number % 5 == 0 else round(4_100_000 * (1 + swing)),
        saved_nano_usd=5_200_000 if number % 5 == 0 else 0,
        seconds=0.4 + swing + (number % 17) * 0.11,
    )
