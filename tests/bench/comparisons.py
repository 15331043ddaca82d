"""What the gateway is built on, compared: the HTTP clients in one forwarder, the servers under one constant app."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from . import subjects
from .clients import CLIENTS, PACKAGES
from .figures import Round, Visit, across, of_sample
from .machine import cores, described
from .measure import Failed, running
from .report import grid, written
from .scenarios import BURST, PACED, SATURATED, Effort
from .subjects import PEERS, ROOT, Subject, simulate
from .suite import upstreams, visit

Compared = tuple[dict[str, Any], str]
"""The JSON value, and the table."""


def clients(effort: Effort, folder: Path) -> Compared:
    """Each client relays whole answers and streams; then each is cancelled while it waits for the head."""
    python = _python()
    names = [name for name in CLIENTS if name not in PACKAGES or python != sys.executable]
    with upstreams(folder) as ports:
        every = [subjects.floor(ports, name, python) for name in names]
        rounds = _rounds(replace(effort, scenarios=(SATURATED, BURST, PACED)), every, folder)
    closing = {("floor" if name == "aiohttp" else name): _closed_after(name, python, folder) for name in names}
    rows = [["client", "whole: CPU µs", "pace: µs a stream", "pace: µs a chunk", "burst: µs a stream", "MB", "cancel"]]
    for one in every:
        rows.append([_called(one.name), *_cells(one.name, rounds), closing[one.name]])
    rows[0][-1] = "cancelled before the head, the upstream is closed"
    return _value(rounds, cancelled_before_the_head=closing), f"{described()}\n\n{grid(rows)}\n\n{_left_out(python)}"


def servers(effort: Effort, folder: Path) -> Compared:
    python = _python()
    names = ["uvicorn"] if python == sys.executable else ["uvicorn", "granian"]
    every = [replace(subjects.bare(name, python), name=name) for name in names]
    rounds = _rounds(replace(effort, scenarios=(SATURATED, BURST)), every, folder)
    rows = [["server", "whole: CPU µs", "burst: µs a stream", "MB"]]
    for name in names:
        cells = _cells(name, rounds)
        rows.append([name, cells[0], cells[3], cells[4]])
    return _value(rounds), f"{described()}\n\n{grid(rows)}\n\n{_left_out(python)}"


def _rounds(effort: Effort, every: Sequence[Subject], folder: Path) -> list[Round]:
    def one(number: int) -> Iterator[tuple[str, Visit]]:
        for subject in every:
            yield subject.name, visit(subject, effort, folder, f"round {number + 1} of {effort.runs}")

    return [dict(one(number)) for number in range(effort.runs)]


def _cells(name: str, rounds: Sequence[Round]) -> list[str]:
    samples = (
        (SATURATED.name, "cpu_us", ".1f"),
        (PACED.name, "cpu_us", ".0f"),
        (PACED.name, "cpu_per_chunk_us", ".1f"),
        (BURST.name, "cpu_us", ".0f"),
    )
    cells = [written(across(rounds, of_sample(name, scenario, field)), form) for scenario, field, form in samples]
    return [*cells, written(across(rounds, lambda one: one[name].memory_mb), ".0f")]


def _closed_after(client: str, python: str, folder: Path) -> str:
    """How long the upstream's request stays open after its client was cancelled while it waited for the head."""
    quiet = Subject(name="upstream-slow", command=simulate(latency_ms=5000.0))
    with running(quiet, folder, cores()[1]) as upstream:
        done = subprocess.run(
            [python, "-m", "tests.bench.cancelling", client, str(upstream.port)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
    if done.returncode:
        raise Failed(f"the client {client} could not be cancelled:\n{done.stderr}")
    seconds = json.loads(done.stdout)["seconds"]
    return "not within 2 s" if seconds is None else f"after {seconds * 1000:.0f} ms"


def _python() -> str:
    """All clients and servers run in one environment: that of the peers where it is installed."""
    return str(PEERS / "python") if (PEERS / "python").exists() else sys.executable


def _left_out(python: str) -> str:
    if python != sys.executable:
        return ""
    return f"left out: {', '.join(PACKAGES)}, granian: the peers extra is not installed (make .venv/peers.installed)"


def _called(name: str) -> str:
    return "aiohttp" if name == "floor" else name


def _value(rounds: Sequence[Round], **more: Any) -> dict[str, Any]:
    return {
        "machine": described(),
        **more,
        "rounds": [{_called(name): asdict(visit) for name, visit in one.items()} for one in rounds],
    }
