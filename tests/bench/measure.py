"""One subject, started, driven and watched: its start-up time, and a sample of each scenario."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from .load import NUMBER, Order, Result
from .machine import cores, cpu_seconds, family, first_thread_seconds, memory_mb, pin
from .subjects import KEY, ROOT, Door, Subject

CHUNKS: Final = 200
WARM_UP_SECONDS: Final = 0.4
_TEXTS: Final = 32
"""Whose embeddings, of 1536 numbers each, are a megabyte of JSON."""
_PATIENCE_SECONDS: Final = 60.0

_WHOLE_TEXT: Final = "Explain the thing " * 25
_STREAM_TEXT: Final = "One two three four " * (CHUNKS // 4)
"""A token a word, a chunk a token, and no two alike in a row: LiteLLM takes a repeated chunk for a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """``usage``: the client itself asks for the usage event of its stream. ``questions``, ``pause``: see `Order`."""

    name: str
    kind: Literal["whole", "stream", "paced", "other", "large"]
    concurrency: int
    usage: bool = False
    questions: int = 1
    pause: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run of a scenario. Times in the unit of their name; ``busy`` is the share of its core that was used.

    ``loop_us`` is what the event loop's thread has of ``cpu_us``: what other calls wait for.
    """

    requests_per_second: float
    p50_us: float
    p99_us: float
    first_us: float
    cpu_us: float
    loop_us: float
    cpu_per_chunk_us: float
    busy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A started subject. ``ready_seconds`` is from its start to its first answered call."""

    subject: Subject
    process: subprocess.Popen[bytes]
    port: int
    ready_seconds: float

    def memory_mb(self) -> float:
        return memory_mb(family(self.process.pid))


class Failed(Exception):
    """A subject did not start, or did not answer as it must: its figures would mean nothing."""


@contextmanager
def running(subject: Subject, folder: Path, core: int | None) -> Iterator[Running]:
    """Start a subject on this core and wait for its first answered call; it is ended afterwards."""
    port = free_port()
    command = [part.format(port=port) if "{port}" in part else part for part in subject.command]
    log = folder / f"{subject.name}.log"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **subject.env},
            stdout=output,
            stderr=output,
            preexec_fn=pin(core),
            start_new_session=True,
        )
        try:
            _await_answer(subject, process, port, log)
            yield Running(subject=subject, process=process, port=port, ready_seconds=time.perf_counter() - began)
        finally:
            _end(process)


def sample(running: Running, scenario: Scenario, seconds: float) -> Sample | None:
    """None where the subject has no such scenario. Raises `Failed` when any answer was not what it must be."""
    door = _door(running.subject, scenario)
    if door is None:
        return None
    order = order_of(door, scenario, running.port, seconds)
    processes = family(running.process.pid)
    before, loop_before = cpu_seconds(processes), first_thread_seconds(running.process.pid)
    result = drive(order)
    loop = first_thread_seconds(running.process.pid) - loop_before
    spent = cpu_seconds(processes) - before
    if result.failures or not result.requests:
        raise Failed(f"{running.subject.name}, {scenario.name}: {result.failures or 'nothing was answered'}")
    chunks = result.events / result.requests
    if chunks and chunks < CHUNKS:
        raise Failed(f"{running.subject.name}, {scenario.name}: {chunks:.0f} chunks a stream instead of {CHUNKS}")
    cpu_us = spent / result.requests * 1e6
    return Sample(
        requests_per_second=result.requests / result.seconds,
        p50_us=result.p50 * 1e6,
        p99_us=result.p99 * 1e6,
        first_us=result.first_p50 * 1e6,
        cpu_us=cpu_us,
        loop_us=loop / result.requests * 1e6,
        cpu_per_chunk_us=cpu_us / chunks if chunks else 0.0,
        busy=spent / result.seconds,
    )


def warm_up(running: Running) -> None:
    """Fill the connection pools and the caches, whole and streamed."""
    for scenario in (
        Scenario(name="warm-up", kind="whole", concurrency=64),
        Scenario(name="warm-up", kind="stream", concurrency=16),
    ):
        drive(order_of(running.subject.door, scenario, running.port, WARM_UP_SECONDS))


def _door(subject: Subject, scenario: Scenario) -> Door | None:
    return {"paced": subject.paced, "other": subject.other, "large": subject.large}.get(scenario.kind, subject.door)


def order_of(door: Door, scenario: Scenario, port: int, seconds: float) -> Order:
    method, body = "POST", ""
    if scenario.kind == "other":
        method = "GET"
    elif scenario.kind == "large":
        body = json.dumps({"model": door.model, "input": [f"{NUMBER} {part}" for part in range(_TEXTS)]})
    else:
        streamed = scenario.kind in ("stream", "paced")
        text = _STREAM_TEXT if streamed else _WHOLE_TEXT
        fields = {"stream": True} if streamed else {}
        asked = {"stream_options": {"include_usage": True}} if scenario.usage else {}
        numbered = text.strip() if scenario.questions == 1 else f"{NUMBER} {text.strip()}"
        messages = [{"role": "user", "content": numbered}]
        body = json.dumps({"model": door.model, "messages": messages, **fields, **asked}, separators=(",", ":"))
    head = (
        f"{method} {door.path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {KEY}\r\n"
        "accept: application/json\r\naccept-encoding: gzip, deflate\r\nuser-agent: OpenAI/Python 2.8.1\r\n"
        "content-type: application/json\r\n"
    )
    return Order(
        port=door.port or port,
        head=head,
        body=body,
        concurrency=scenario.concurrency,
        questions=scenario.questions,
        pause=scenario.pause,
        seconds=seconds,
        status=door.status,
    )


def drive(order: Order) -> Result:
    """Run the load generator on the other core."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.load"],
            input=json.dumps(asdict(order)),
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=order.seconds + _PATIENCE_SECONDS,
            preexec_fn=pin(cores()[1]),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"a request was not answered within {_PATIENCE_SECONDS:g} s") from None
    if done.returncode:
        raise Failed(f"the load generator failed:\n{done.stderr}")
    return Result(**json.loads(done.stdout))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_answer(subject: Subject, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    order = order_of(subject.door, Scenario(name="ready", kind="whole", concurrency=1), port, 0.0)
    deadline = time.perf_counter() + subject.starts_within
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise Failed(f"{subject.name} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        if _answers(order):
            return
        time.sleep(0.005)
    raise Failed(f"{subject.name} gave no answer within {subject.starts_within:g} s:\n{log.read_text()[-2000:]}")


def _answers(order: Order) -> bool:
    try:
        with socket.create_connection((order.host, order.port), timeout=10) as client:
            client.sendall(order.request)
            return client.recv(65536).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """The subject and what it started: they are a session of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(5)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()
