"""A cluster's jobs (R14): each tick once, whoever dies; listed and run from the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import ADMIN_KEY, CLI, Running, gateway

PLUGIN = """
import asyncio, os, time
from datetime import timedelta
from hooks import Job, hookimpl

def say(word, tick):
    with open("ticks.txt", "a") as file:
        file.write(f"{word} {tick.due.timestamp():.0f} {os.getpid()} {tick.fence} {time.time()}\\n")

async def run(tick):
    say("begin", tick)
    await asyncio.sleep(0.4)
    say("end", tick)

async def fails():
    raise ValueError("no")

@hookimpl
def schedule():
    yield Job(name="report", every=timedelta(seconds=4), run=run, scope="cluster")
    yield Job(name="broken", cron="0 8 * * mon", run=fails, scope="cluster")
"""


@dataclass(frozen=True, slots=True)
class Told:
    word: str
    due: int
    pid: int
    fence: int
    at: float


def told(folder: Path) -> list[Told]:
    with suppress(FileNotFoundError):
        lines = (folder / "ticks.txt").read_text().splitlines()
        parts = [line.split() for line in lines if line.count(" ") == 4]
        return [Told(word, int(due), int(pid), int(fence), float(at)) for word, due, pid, fence, at in parts]
    return []


def until(found: Callable[[], list[Told]], count: int, seconds: float = 15) -> list[Told]:
    deadline = time.monotonic() + seconds
    while len(lines := found()) < count:
        assert time.monotonic() < deadline, lines
        time.sleep(0.02)
    return lines


def place(folder: Path, database: str) -> str:
    (folder / "jobs.py").write_text(PLUGIN)
    model = "{name: sim, provider: simulated/echo}"
    return f"services: {{database: '{database}'}}\nmodels: [{model}]\npipeline: [{{use: ./jobs.py}}]\n"


def kill_those_at_work(folder: Path, kills: int) -> set[int]:
    """Each in the middle of a run, not before the one before it was taken over."""
    killed: dict[int, float] = {}
    while len(killed) < kills:
        at_work = until(lambda: [one for one in told(folder) if one.word == "begin" and one.due not in killed], 1)[-1]
        os.kill(at_work.pid, signal.SIGKILL)
        killed[at_work.due] = time.time()
        again = until(lambda due=at_work.due: [one for one in told(folder) if (one.word, one.due) == ("end", due)], 1)  # type: ignore[misc]
        [begun] = [one for one in told(folder) if one.word == "begin" and one.due == at_work.due and one != at_work]
        assert begun.at - killed[at_work.due] <= 3, "taken over within three seconds"
        assert begun.fence > at_work.fence
        assert again[0].pid == begun.pid != at_work.pid
    return set(killed)


def check(folder: Path, killed: set[int], more: int) -> None:
    """Every tick from the first to the last has one end; only those of the dead have two beginnings."""
    until(lambda: [one for one in told(folder) if one.word == "end"], len(killed) + more, 30)
    lines = told(folder)
    ends = [one.due for one in lines if one.word == "end"]
    assert ends == list(range(ends[0], ends[-1] + 1, 4)), "each once, none left out"
    begun = [one.due for one in lines if one.word == "begin"]
    assert {due for due in begun if begun.count(due) > 1} == killed


def test_each_tick_is_run_once_whoever_dies(tmp_path: Path, postgres_url: str) -> None:
    with gateway(place(tmp_path, postgres_url), tmp_path, "--workers", "4"):
        killed = kill_those_at_work(tmp_path, 2)
        check(tmp_path, killed, 1)


@pytest.mark.soak
def test_each_tick_is_run_once_for_a_minute(tmp_path: Path, postgres_url: str) -> None:
    with gateway(place(tmp_path, postgres_url), tmp_path, "--workers", "4"):
        killed = kill_those_at_work(tmp_path, 12)
        check(tmp_path, killed, 3)


def test_jobs_are_listed_and_run_from_the_command_line(tmp_path: Path, sqlite_url: str) -> None:
    with gateway(place(tmp_path, sqlite_url), tmp_path) as one:
        listed = cognitude(one, "list")
        assert "0 8 * * mon (UTC)" in listed.stdout
        assert "every 4 s" in listed.stdout
        assert max(map(len, listed.stdout.splitlines())) <= 100
        failed = cognitude(one, "run", "jobs.broken")
        assert (failed.returncode, failed.stdout) == (1, "jobs.broken: failed: ValueError\n")
        assert "failed: ValueError" in cognitude(one, "list").stdout
        missing = cognitude(one, "run", "jobs.other")
        assert (missing.returncode, missing.stderr) == (1, "Error: There is no job 'jobs.other'. (status 404)\n")


def cognitude(one: Running, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "COGNITUDE_ADMIN_KEY": ADMIN_KEY, "COGNITUDE_URL": one.url}
    return subprocess.run([*CLI, "jobs", *words], env=environ, capture_output=True, text=True, timeout=60, check=False)
