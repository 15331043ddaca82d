"""``cognitude monitor status``: how a gateway and each of its deployments and plugins are, on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from ..screen.draw import Cell, ends, flowed, joined
from ..screen.figures import UNKNOWN, count, seconds, share, span
from ..screen.grid import Column, table

_STYLES: Final[Mapping[str, str]] = {
    "ok": "green",
    "closed": "green",
    "degraded": "yellow",
    "half_open": "yellow",
    "draining": "yellow",
    "down": "bold red",
    "open": "bold red",
}
_WORSE: Final = ("down", "open", "degraded", "half_open")
_SERVICES: Final = ("database", "ledger", "redis", "cache")
_DEPLOYMENTS: Final = (
    Column(heading="DEPLOYMENT"),
    Column(heading="PROVIDER", spare=3),
    Column(heading="STATE", fixed=True),
    Column(heading="ERRORS", right=True, fixed=True),
    Column(heading="P50", right=True, fixed=True, spare=1),
    Column(heading="P95", right=True, fixed=True),
    Column(heading="P99", right=True, fixed=True, spare=2),
    Column(heading="NOW", right=True, fixed=True),
)
_PLUGINS: Final = (
    Column(heading="PLUGIN"),
    Column(heading="STATUS", fixed=True),
    Column(heading="MODE", fixed=True, spare=1),
    Column(heading="FAILURES", right=True, fixed=True),
    Column(heading="LAST FAILURE"),
)
_LEAST_ROWS: Final = 2


def status_screen(health: Any, width: int, height: int | None = None) -> Text:
    """Of what ``GET /health`` said. Where not everything has room in ``height`` lines, the worst has it first."""
    head = _head(health, width)
    deployments = [(_worst(one["state"]), _deployment(name, one)) for name, one in health["providers"].items()]
    plugins = [(_worst(_of(one)), _plugin(name, one)) for name, one in health["plugins"].items()]
    room = None if height is None else height - str(head.plain).count("\n") - 1 - 2 * 2
    for_plugins = None if room is None else max(room - len(deployments), min(len(plugins), room // 3), _LEAST_ROWS)
    for_deployments = None if room is None or for_plugins is None else room - min(for_plugins, len(plugins))
    parts = [head]
    for columns, rows, most in ((_DEPLOYMENTS, deployments, for_deployments), (_PLUGINS, plugins, for_plugins)):
        if rows:
            parts += [Text(), table(columns, _rows(rows, most, len(columns)), width)]
    return Text("\n").join(parts)


def deployments_of(health: Any) -> list[dict[str, Any]]:
    """The same as rows of data."""
    return [{"deployment": name, **one} for name, one in health["providers"].items()]


def _head(health: Any, width: int) -> Text:
    first = ends(f"cognitude {health['version']}", _state(health["status"]), width)
    up = f"up {span(health['uptime_seconds'])}" if "uptime_seconds" in health else "up"
    under_way = Text(f"{up}, {count(health['in_flight'])} calls under way, {count(health['models'])} models")
    services = [_service(name, health[name]) for name in _SERVICES if isinstance(health.get(name), dict)]
    return joined([first, under_way, *flowed(services, width).split("\n")], width)


def _service(name: str, block: Mapping[str, Any]) -> Text:
    text = Text(f"{name} ")
    text.append(*_state(_of(block)))
    if "kind" in block:
        text.append(f" ({block['kind']})")
    if "stale_seconds" in block:
        text.append(f", away for {span(block['stale_seconds'])}")
    if name == "ledger":
        text.append(f", {seconds(block.get('lag_seconds'))} behind")
        if block.get("waiting_bytes"):
            text.append(f", {count(block['waiting_bytes'])} bytes wait")
        if block.get("lost_rows"):
            text.append(f", {count(block['lost_rows'])} rows lost", "bold red")
    return text


def _deployment(name: str, one: Mapping[str, Any]) -> tuple[Cell, ...]:
    word, style = _state(one["state"])
    wait = f", {span(one['cooldown_seconds'] + 0.999)}" if one["state"] == "open" else ""
    rate = one["error_rate"]
    queued = f"+{count(one['queued'])}" if one.get("queued") else ""
    return (
        name,
        one["provider"],
        (word + wait, style),
        (share(rate), "bold red" if rate >= 0.5 else "yellow" if rate > 0 else ""),
        *(seconds(one[f"p{q}_seconds"]) for q in (50, 95, 99)),
        count(one["in_flight"]) + queued,
    )


def _plugin(name: str, one: Mapping[str, Any]) -> tuple[Cell, ...]:
    failures = one.get("errors", 0)
    return (
        name,
        _state(_of(one)),
        one["mode"],
        (count(failures), "yellow" if failures else ""),
        one.get("last_error") or UNKNOWN,
    )


def _of(block: Mapping[str, Any]) -> str:
    return str(block.get("status", "ok"))


def _state(state: str) -> tuple[str, str]:
    return state.replace("_", " "), _STYLES.get(state, "yellow")


def _worst(state: str) -> int:
    return _WORSE.index(state) if state in _WORSE else len(_WORSE)


def _rows(rows: Sequence[tuple[int, tuple[Cell, ...]]], most: int | None, width: int) -> list[tuple[Cell, ...]]:
    if most is None or len(rows) <= most:
        return [cells for _, cells in rows]
    kept = [cells for _, cells in sorted(rows, key=lambda row: row[0])[: max(most - 1, 0)]]
    return [*kept, (f"… {len(rows) - len(kept)} more", *[""] * (width - 1))]
