"""What a recommendation says to put into ``plugins.yaml`` passes the gateway's own checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.analytics.recommendations.advisor import advice
from cognitude_plugins.analytics.recommendations.cells import Beginnings, Cell, Cuts, Group, Repeats, Traffic
from cognitude_plugins.analytics.recommendations.pricing import Prices
from cognitude_plugins.analytics.settings import Recommendations, Thresholds
from hooks import ConfigError
from tests.analytics.street import deployment, shop
from tests.borrowed import configured

BASE: dict[str, Any] = {
    "models": [
        {"name": "large", "provider": "openai/gpt-4o", "api_key": "k"},
        {"name": "small", "provider": "openai/gpt-4o-mini", "api_key": "k"},
        {"name": "auto", "candidates": ["large", "small"]},
    ]
}
ALL = Recommendations(thresholds=Thresholds(**dict.fromkeys(Thresholds.model_fields, 0)))
GROUP = Group("large", "auto", "complex", 0)


def cell(**values: Any) -> Cell:
    sums = {"calls": 100, "cost": 10**12, "prompt": 50_000, "completion": 5_000, "size": 3, "known": 100, "example": 7}
    return Cell(**(dict.fromkeys(Cell._fields, 0) | GROUP._asdict() | sums | values))


def traffic(**found: Any) -> Traffic:
    return Traffic(days=14.0, **{"cells": (), "repeats": (), "cuts": (), "beginnings": (), **found})


def repeats(*reasons: str) -> tuple[Repeats, ...]:
    return tuple(Repeats(reason, 0, 5, 10**12 // (number + 1), 10**11, 1, 2) for number, reason in enumerate(reasons))


MESSAGES = deployment("large", "anthropic")
CASES = {
    "off": (traffic(repeats=repeats("off")), {}),
    "mostly off": (traffic(repeats=repeats("off"), cells=(cell(cost=0, asked=1),)), {}),
    "apart": (traffic(repeats=repeats("apart")), {}),
    "expired": (traffic(repeats=repeats("expired")), {}),
    "lost": (traffic(repeats=repeats("lost")), {}),
    "concurrent": (traffic(repeats=repeats("concurrent")), {}),
    "downgrade of an alias": (traffic(cells=(cell(complexity="simple"),)), {}),
    "downgrade of a model": (
        traffic(cells=(cell(complexity="simple", requested_model="large"), cell(deployment="small", cost=1))),
        {},
    ),
    "routing by the alias there is": (
        traffic(
            cells=(
                cell(requested_model="large", complexity=None),
                cell(cost=0, calls=1000),
                cell(cost=0, deployment="small", calls=1000),
            )
        ),
        {},
    ),
    "routing by a new alias": (
        traffic(
            cells=(
                cell(requested_model="large", complexity=None, short=1),
                cell(requested_model="small", deployment="small", complexity=None, short=1, cost=1),
            )
        ),
        {},
    ),
    "runaways": (traffic(cells=(cell(cost=0), cell(size=80, completion=900_000, calls=3))), {}),
    "cuts": (traffic(cuts=(Cuts(0, GROUP, 0, 9, 10**12, 256, 3),)), {}),
    "beginnings": (traffic(beginnings=(Beginnings(0, GROUP, 9, 2048, 500, 499, 0, 2 * 10**6, 1000),)), {}),
    "beginnings at Anthropic": (
        traffic(beginnings=(Beginnings(0, GROUP, 9, 2048, 500, 499, 0, 2 * 10**6, 1000),)),
        {"models": {"large": (MESSAGES,), "auto": (MESSAGES,)}},
    ),
    "near": (traffic(cells=(cell(near=1),)), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_every_change_is_one_that_the_gateway_takes(name: str, tmp_path: Path) -> None:
    found, options = CASES[name]
    findings = advice(found, Prices.at(shop(**options)), ALL).findings
    assert findings
    for one in findings:
        configured(tmp_path, BASE, one.yaml)


def test_what_it_does_not_take_would_be_noticed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="redis_cash"):
        configured(tmp_path, BASE, "pipeline:\n  - use: redis_cash\n")
