"""Several processes serve on one socket, and one command line starts, replaces and ends them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.databases import Postgres
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT, HELLO
from tests.processes import CLI, KEY, Running, free_port, gateway

WHO = """
import os
from hooks import Reply, hookimpl


@hookimpl
def pre_request(call):
    return Reply.json({"pid": os.getpid()})
"""
CONFIG = """
gateway:
  drain: {announce_seconds: 0}
models:
  - {name: sim, provider: simulated/echo}
pipeline:
  - use: ./who.py
"""


def workers_of(one: Running) -> set[int]:
    """The serving processes, found by asking: each connection goes to one of them."""
    found = set()
    for _ in range(60):
        with one.client() as client:
            found.add(int(client.post(CHAT, json=HELLO).json()["pid"]))
        if len(found) == 2:
            break
    return found


def test_two_workers_serve_and_end_together(tmp_path: Path) -> None:
    (tmp_path / "who.py").write_text(WHO)
    with gateway(CONFIG, tmp_path, "--workers", "2") as one:
        assert eventually(lambda: len(workers_of(one)) == 2, 20)
        pids = workers_of(one)
        assert one.process.pid not in pids
        assert one.stop() == 0
        assert eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))
        assert "Traceback" not in one.text()


def test_control_c_ends_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "who.py").write_text(WHO)
    with gateway(CONFIG, tmp_path, "--workers", "2") as one:
        assert eventually(lambda: len(workers_of(one)) == 2, 20)
        assert one.stop(signal.SIGINT) == 0
        assert "Traceback" not in one.text()


def test_a_worker_that_is_killed_is_replaced_and_the_other_goes_on_serving(tmp_path: Path) -> None:
    (tmp_path / "who.py").write_text(WHO)
    with gateway(CONFIG, tmp_path, "--workers", "2") as one:
        assert eventually(lambda: len(workers_of(one)) == 2, 20)
        before = workers_of(one)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: f"worker {victim} ended with code -9; starting another" in one.text(), 5)
        assert eventually(lambda: len(workers_of(one)) == 2 and victim not in workers_of(one), 20)
        assert before - {victim} < workers_of(one)
        assert one.stop() == 0


def test_a_worker_that_dies_while_the_database_is_gone_takes_nobody_with_it(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    """Its replacement cannot start; the other serves on, and when the database is back there are two again."""
    (tmp_path / "who.py").write_text(WHO)
    config = f"services: {{database: {{url: {json.dumps(postgres_url)}, timeout: 0.5}}}}\n{CONFIG}"
    with gateway(config, tmp_path, "--workers", "2") as one:
        assert eventually(lambda: len(workers_of(one)) == 2, 20)
        victim, survivor = sorted(workers_of(one))
        with postgres.frozen():
            os.kill(victim, signal.SIGKILL)
            assert eventually(lambda: one.text().count("could not start; starting another in") >= 2, 40), one.text()
            assert one.process.poll() is None
            assert workers_of(one) == {survivor}
        assert eventually(lambda: len(workers_of(one)) == 2, 40), one.text()
        assert survivor in workers_of(one)
        assert one.stop() == 0


def test_a_supervisor_that_is_killed_does_not_leave_workers_behind(tmp_path: Path) -> None:
    (tmp_path / "who.py").write_text(WHO)
    with gateway(CONFIG, tmp_path, "--workers", "2") as one:
        assert eventually(lambda: len(workers_of(one)) == 2, 20)
        pids = workers_of(one)
        one.process.kill()
        one.process.wait(5)
        try:
            assert eventually(lambda: not any(_serving(pid) for pid in pids), 10), "a worker outlived its supervisor"
        finally:
            for pid in pids:
                if _serving(pid):
                    os.kill(pid, signal.SIGKILL)


def _serving(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


FAILS = """
from contextlib import asynccontextmanager
from hooks import hookimpl


@hookimpl
@asynccontextmanager
async def lifespan(gateway):
    raise ConnectionError("no database at 10.0.0.9")
    yield
"""


def serve(folder: Path, *arguments: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COGNITUDE_BOOTSTRAP_KEY": key}
    command = [*CLI, "serve", "--config", str(folder / "plugins.yaml"), *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_start_that_fails_ends_with_3_and_says_why(tmp_path: Path, workers: str) -> None:
    (tmp_path / "who.py").write_text(FAILS)
    (tmp_path / "plugins.yaml").write_text(CONFIG)
    began = time.monotonic()
    done = serve(tmp_path, "--port", "0", "--workers", workers)
    assert done.returncode == 3
    assert "no database at 10.0.0.9" in done.stderr
    assert "who" in done.stderr
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_plugin_that_cannot_be_loaded_ends_with_1_and_says_why(tmp_path: Path, workers: str) -> None:
    (tmp_path / "who.py").write_text("from hooks import hookimpl\n\n\n@hookimpl\ndef pre_requst(call): ...\n")
    (tmp_path / "plugins.yaml").write_text(CONFIG)
    done = serve(tmp_path, "--port", "0", "--workers", workers)
    assert done.returncode == 1
    assert "did you mean 'pre_request'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_named(tmp_path: Path, workers: str) -> None:
    (tmp_path / "who.py").write_text(WHO)
    (tmp_path / "plugins.yaml").write_text(CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = serve(tmp_path, "--port", str(port), "--workers", workers)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_interface_is_refused_without_a_key_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "who.py").write_text(WHO)
    (tmp_path / "plugins.yaml").write_text(CONFIG)
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        done = serve(tmp_path, "--host", host, "--port", str(free_port()), key="")
        assert done.returncode == 1
        assert f"listening on {host} needs a key first" in done.stderr
    configured = CONFIG.replace("gateway:", "gateway:\n  listen: {host: 0.0.0.0}")
    (tmp_path / "plugins.yaml").write_text(configured)
    done = serve(tmp_path, "--port", str(free_port()), key="")
    assert done.returncode == 1
    assert "needs a key first" in done.stderr


def test_every_interface_is_served_with_one(tmp_path: Path) -> None:
    (tmp_path / "who.py").write_text(WHO)
    with gateway(CONFIG, tmp_path, "--host", "0.0.0.0") as one:
        assert httpx.get(f"{one.url}/livez", trust_env=False).status_code == 200


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "who.py").write_text(WHO)
    (tmp_path / "plugins.yaml").write_text(CONFIG)
    done = serve(tmp_path, "--port", "0", key="short")
    assert done.returncode == 1
    assert "COGNITUDE_BOOTSTRAP_KEY is shorter than 16 characters" in done.stderr
    assert "short\n" not in done.stderr.replace("COGNITUDE_BOOTSTRAP_KEY is shorter", "")


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = serve(tmp_path, "--port", "0")
    assert done.returncode == 1
    assert "plugins.yaml" in done.stderr
    assert "Traceback" not in done.stderr
