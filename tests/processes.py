"""Gateways and simulated models as processes of their own, on real sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

KEY = "test-key-0123456789abcdef0123456789"
"""Of role admin in the organization ``default``."""

ADMIN_KEY = "test-admin-key-0123456789abcdef012345"
"""A gateway admin's."""

CLI = (sys.executable, "-m", "cognitude_plugins.gateway.cli")
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process that serves at ``url``; ``log`` is what it wrote to stderr and stdout."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, *, key: str = KEY, **options: Any) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"authorization": f"Bearer {key}"}, timeout=20.0, trust_env=False, **options
        )

    def stop(self, number: int = signal.SIGTERM, timeout: float = 20.0) -> int:
        """End it and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout)

    def text(self) -> str:
        return self.log.read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(arguments: list[str], folder: Path, probe: str, port: int, env: Mapping[str, str]) -> Iterator[Running]:
    log = folder / f"process-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*CLI, *arguments], cwd=folder, stdout=output, stderr=output, env={**os.environ, **env}
        )
        one = Running(url=f"http://127.0.0.1:{port}", process=process, log=log)
        try:
            _await_answer(one, probe)
            yield one
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def _await_answer(one: Running, path: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            if one.process.poll() is not None:
                raise AssertionError(f"the process ended with {one.process.returncode}:\n{one.text()}")
            try:
                client.get(one.url + path, timeout=1.0)
                return
            except httpx.TransportError:
                time.sleep(0.02)
    raise AssertionError(f"no answer from {one.url}{path} within {_START_SECONDS:g} s:\n{one.text()}")


@contextmanager
def gateway(
    config: str, folder: Path, *arguments: str, env: Mapping[str, str] | None = None, command: str = "serve"
) -> Iterator[Running]:
    """``cognitude serve`` with this plugins.yaml; its keys are `KEY` and `ADMIN_KEY`."""
    path = folder / "plugins.yaml"
    path.write_text(config)
    port = free_port()
    words = command.split()
    environ = {"COGNITUDE_BOOTSTRAP_KEY": KEY, "COGNITUDE_ADMIN_KEY": ADMIN_KEY, **(env or {})}
    with running(
        [*words, "--config", str(path), "--port", str(port), *arguments], folder, "/livez", port, environ
    ) as one:
        yield one


@contextmanager
def simulated(folder: Path, *arguments: str) -> Iterator[Running]:
    """``cognitude simulate``; its answers are at ``url + "/v1"``."""
    port = free_port()
    with running(["simulate", "--port", str(port), *arguments], folder, "/stats", port, {}) as one:
        yield one
