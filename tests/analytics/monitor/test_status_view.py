"""The screen of a gateway's health."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from rich.cells import cell_len

from cognitude_plugins.analytics.monitor.status_view import deployments_of, status_screen

from ..drawn import looked_at


def deployment(provider: str, **changed: Any) -> dict[str, Any]:
    return {
        "provider": provider,
        "state": "closed",
        "in_flight": 0,
        "queued": 0,
        "error_rate": 0.0,
        "p50_seconds": 0.412,
        "p95_seconds": 1.234,
        "p99_seconds": 12.4,
        "cooldown_seconds": 0.0,
        **changed,
    }


WELL: Any = {
    "status": "ok",
    "version": "0.1.0",
    "uptime_seconds": 273_905.2,
    "in_flight": 7,
    "models": 4,
    "providers": {
        "gpt-4o": deployment("openai", in_flight=5),
        "gpt-4o#2": deployment("azure", in_flight=2, p50_seconds=0.38),
        "claude-sonnet-4-5": deployment("anthropic", p50_seconds=None, p95_seconds=None, p99_seconds=None),
        "漢字-模型": deployment("vllm", p50_seconds=0.0006),
    },
    "database": {"kind": "postgresql", "status": "ok", "keys": 12},
    "ledger": {"status": "ok", "lag_seconds": 0.21, "waiting_bytes": 0, "lost_rows": 0},
    "redis": {"kind": "cluster"},
    "plugins": {
        "limiter": {"use": "limiter", "mode": "enforce", "errors": 0, "status": "ok"},
        "redis_cache": {"use": "redis_cache", "mode": "enforce", "errors": 0, "status": "ok"},
        "complexity_router": {"use": "complexity_router", "mode": "shadow", "errors": 0, "status": "ok"},
        "analytics": {"use": "analytics", "mode": "enforce", "errors": 0},
    },
}


def ill() -> Any:
    found = deepcopy(WELL)
    found |= {"status": "degraded", "uptime_seconds": 61.0}
    found["database"] |= {"status": "degraded", "stale_seconds": 12.4}
    found["ledger"] |= {"status": "degraded", "lag_seconds": 14.2, "waiting_bytes": 81_234, "lost_rows": 3}
    found["providers"]["gpt-4o"] |= {"state": "open", "error_rate": 0.62, "cooldown_seconds": 11.3}
    found["providers"]["gpt-4o#2"] |= {"state": "half_open", "error_rate": 0.02, "queued": 4}
    found["plugins"]["redis_cache"] |= {
        "status": "degraded",
        "errors": 41,
        "last_error": "pre_request: ConnectionError",
    }
    return found


def many() -> Any:
    found = ill()
    found["providers"] = {f"model-{number}": deployment("openai") for number in range(30)} | found["providers"]
    found["plugins"] = {f"plugin-{number}": WELL["plugins"]["limiter"] for number in range(9)} | found["plugins"]
    return found


def test_all_is_well() -> None:
    looked_at("status", status_screen(WELL, 80, 24))


def test_what_is_not_well_is_said_in_words_too() -> None:
    screen = status_screen(ill(), 80, 24)
    looked_at("status_ill", screen)
    assert {"bold red", "yellow", "green"} <= {str(span.style) for span in screen.spans}


def test_the_worst_has_room_first() -> None:
    looked_at("status_many", status_screen(many(), 80, 23), height=23)
    looked_at("status_short", status_screen(many(), 60, 14), width=60, height=14)


def test_without_a_limit_everything_is_there() -> None:
    screen = status_screen(many(), 80).plain
    assert all(name in screen for name in (*many()["providers"], *many()["plugins"]))


def test_it_fits_however_small_the_terminal_is() -> None:
    for width in range(1, 120, 7):
        for height in (5, 10, 24, 60):
            lines = status_screen(many(), width, height).plain.split("\n")
            assert all(cell_len(line) <= width for line in lines)


def test_names_cannot_write_on_the_terminal() -> None:
    found = deepcopy(WELL)
    found["providers"] = {"\x1b[2J" + "x" * 200: deployment("\r\n")}
    found["plugins"]["limiter"]["last_error"] = "\x1b]0;title\x07"
    screen = status_screen(found, 80).plain
    assert "".join(screen.split("\n")).isprintable()


def test_an_older_gateway_does_not_say_how_long_it_is_up() -> None:
    found = {name: value for name, value in WELL.items() if name != "uptime_seconds"}
    assert "\nup, 7 calls under way" in status_screen(found, 80).plain


def test_deployments_are_rows() -> None:
    rows = deployments_of(WELL)
    assert [row["deployment"] for row in rows] == list(WELL["providers"])
    assert rows[0]["p95_seconds"] == 1.234
