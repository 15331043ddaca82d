"""How the gateway says that it is: alive, ready, and what each plugin says of itself."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway import health
from cognitude_plugins.gateway.health import ready, report, worst
from hooks import hookimpl
from tests.gateway.calls import runtime_of


def plugin(name: str, block: Any) -> Any:
    @hookimpl
    async def of_it(self: Any) -> Any:
        if isinstance(block, BaseException):
            raise block
        return await block() if callable(block) else block

    return type(name, (), {"health": of_it})()


async def test_each_plugin_has_its_block(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path, plugin("one", {"status": "ok", "entries": 3}), plugin("two", None))
    runtime.pipeline.faults["two"].failed("route", ValueError("a prompt"))
    made = await report(runtime, draining=False)
    assert made["status"] == "ok"
    assert made["plugins"]["one"] == {"use": "test", "mode": "enforce", "errors": 0, "status": "ok", "entries": 3}
    assert made["plugins"]["two"]["last_error"] == "route: ValueError"
    assert made["in_flight"] == 0
    assert made["models"] == 2
    assert (await report(runtime, draining=False, uptime=61.23))["uptime_seconds"] == 61.2
    assert await ready(runtime, draining=False) == (True, "ok")


@pytest.mark.parametrize(
    ("block", "status", "fit"),
    [
        ({"status": "down"}, "down", False),
        ({"status": "degraded"}, "degraded", True),
        ({"status": "odd"}, "degraded", True),
        ({"status": 5}, "degraded", True),
        (ValueError("no"), "degraded", True),
        ([1, 2], "degraded", True),
        ("text", "degraded", True),
        ({"x": object()}, "degraded", True),
        ({1: 2}, "degraded", True),
    ],
)
async def test_the_worst_plugin_decides(tmp_path: Path, block: Any, status: str, fit: bool) -> None:
    runtime = runtime_of(tmp_path, plugin("fine", {"status": "ok"}), plugin("mine", block))
    assert await ready(runtime, draining=False) == (fit, status)
    made = await report(runtime, draining=False)
    assert made["status"] == status
    json.dumps(made)


async def test_values_that_json_does_not_know_are_written_as_orjson_does(tmp_path: Path) -> None:
    block = {"since": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "ratio": float("nan")}
    made = await report(runtime_of(tmp_path, plugin("mine", block)), draining=False)
    assert made["plugins"]["mine"]["since"] == "2026-01-02T00:00:00+00:00"
    json.dumps(made, allow_nan=False)


async def test_a_plugin_that_does_not_answer_is_degraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_SECONDS", 0.05)

    async def hang() -> Mapping[str, object]:
        await asyncio.sleep(60)
        return {}

    runtime = runtime_of(tmp_path, plugin("mine", hang), plugin("fine", {"status": "ok"}))
    made = await report(runtime, draining=False)
    assert made["plugins"]["mine"]["status"] == "degraded"
    assert runtime.pipeline.faults["mine"].errors == 1


async def test_whoever_drains_is_not_ready_however_well_it_is(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path, plugin("mine", {"status": "ok"}))
    assert await ready(runtime, draining=True) == (False, "draining")
    assert (await report(runtime, draining=True))["status"] == "draining"


def test_no_plugin_at_all_is_ok() -> None:
    assert worst({}) == "ok"
    assert worst({"a": {}, "b": {"status": "ok"}}) == "ok"


async def test_each_deployment_is_there_and_none_makes_the_gateway_unready(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path)
    vital = runtime.vitals.of("up")
    for took in range(1, 76):
        vital.answered(took / 100)
    for _ in range(25):
        vital.failed()
        vital.breaker.failed()
    made = await report(runtime, draining=False)
    assert set(made["providers"]) == {"up", "up#2", "sim"}
    block = made["providers"]["up"]
    assert (block["provider"], block["state"], block["error_rate"]) == ("simulated", "open", 0.25)
    assert (block["in_flight"], block["queued"]) == (0, 0)
    assert 3 < block["cooldown_seconds"] <= 6
    assert block["p50_seconds"] == pytest.approx(0.38, rel=0.03)
    assert block["p95_seconds"] == pytest.approx(0.71, rel=0.03)
    quiet = made["providers"]["sim"]
    assert (quiet["state"], quiet["p95_seconds"], quiet["cooldown_seconds"]) == ("closed", None, 0)
    assert made["status"] == "ok"
    assert await ready(runtime, draining=False) == (True, "ok")
