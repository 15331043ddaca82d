"""Redis servers for tests, from the wheel: one alone, a cluster of several, one with Sentinels that look after it."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from redis.crc import key_slot

from cognitude_plugins.gateway.redis_binary import redis_binary

MASTER: Final = "mymaster"
"""What the Sentinels call the server they look after."""

_SECONDS: Final = 10.0
_SLOTS: Final = 16_384
_BUS: Final = 10_000
"""A node's port for the other nodes is its own and so much."""


class RedisServer:
    """On a Unix socket in ``folder``, or with ``port`` on that one of 127.0.0.1. Nothing of it is kept on disk.

    ``settings`` are lines of its configuration; those of a ``sentinel`` the server itself changes.
    """

    def __init__(self, folder: Path, settings: str = "", *, port: int = 0, sentinel: bool = False) -> None:
        self.folder = folder
        self.port = port
        self.socket = folder / "redis.sock"
        self.log = folder / "redis.log"
        assert port or len(os.fsencode(self.socket)) <= 107, f"{self.socket} is too long for a Unix socket"
        self._mode = ["--sentinel"] if sentinel else []
        self._process: subprocess.Popen[bytes] | None = None
        where = f"port {port}\nbind 127.0.0.1\n" + ("" if port else f'unixsocket "{self.socket}"\n')
        kept = "" if sentinel else 'save ""\nappendonly no\n'
        self._configuration = folder / "redis.conf"
        self._configuration.write_text(f'dir "{folder}"\nlogfile "{self.log}"\n{where}{kept}{settings}')

    @property
    def url(self) -> str:
        """As an operator would write it into plugins.yaml."""
        return f"redis://127.0.0.1:{self.port}" if self.port else f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    def start(self) -> RedisServer:
        """Empty; it answers when this returns."""
        assert self._process is None, "it runs already"
        # A name left behind by one that was killed says nothing.
        self.socket.unlink(missing_ok=True)
        self._process = subprocess.Popen([str(redis_binary()), str(self._configuration), *self._mode])
        wait_until(self._answers, f"{self.url} does not answer")
        return self

    def stop(self) -> None:
        """In an orderly way, also when it is frozen or does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It takes connections (its kernel does) and answers nothing, as when its machine hangs."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Killed, and there again on the same address, empty."""
        self.kill()
        self.start()

    @contextmanager
    def client(self, **options: Any) -> Iterator[redis.Redis]:
        client = redis.Redis.from_url(self.url, decode_responses=True, **options)
        try:
            yield client
        finally:
            client.close()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            process.wait(_SECONDS)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the server ended: {self.log.read_text()[-2000:]}"
        with self.client(socket_timeout=1.0) as client:
            try:
                return bool(client.ping())
            except redis.AuthenticationError:
                return True
            except (redis.ConnectionError, redis.TimeoutError):
                return False


class RedisCluster:
    """Masters without replicas, each with its part of the slots."""

    def __init__(self, folder: Path, count: int = 3) -> None:
        self.nodes = [_node(folder, number) for number in range(count)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> RedisCluster:
        count, first = len(self.nodes), self.nodes[0]
        for number, node in enumerate(self.nodes):
            with node.start().client() as client:
                client.cluster("ADDSLOTS", *range(_SLOTS * number // count, _SLOTS * (number + 1) // count))
                client.cluster("MEET", "127.0.0.1", str(first.port))
        wait_until(self._whole, "the cluster did not come together")
        return self

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def holding(self, key: str) -> RedisServer:
        """The node of this key's slot, whether it runs or not."""
        slot = key_slot(key.encode())
        return self.nodes[(slot * len(self.nodes) + len(self.nodes) - 1) // _SLOTS]

    def _whole(self) -> bool:
        return all(_whole(node, len(self.nodes)) for node in self.nodes)


class Watched:
    """A master and a replica, and Sentinels that make the replica the master when that one is gone."""

    def __init__(self, folder: Path, sentinels: int = 3) -> None:
        self.master = RedisServer(_made(folder / "master"), port=free_port())
        follow = f"replicaof 127.0.0.1 {self.master.port}\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 0\n"
        self.replica = RedisServer(_made(folder / "replica"), follow, port=free_port())
        watch = (
            f"sentinel monitor {MASTER} 127.0.0.1 {self.master.port} {sentinels // 2 + 1}\n"
            f"sentinel down-after-milliseconds {MASTER} 500\n"
            f"sentinel failover-timeout {MASTER} 2000\n"
        )
        self.sentinels = [
            RedisServer(_made(folder / f"sentinel-{number}"), watch, port=free_port(), sentinel=True)
            for number in range(sentinels)
        ]

    @property
    def url(self) -> str:
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels) + f"/{MASTER}"

    def start(self) -> Watched:
        for server in (self.master, self.replica, *self.sentinels):
            server.start()
        wait_until(self._settled, "the Sentinels do not know each other and the replica")
        return self

    def stop(self) -> None:
        for server in (*self.sentinels, self.replica, self.master):
            server.stop()

    def present_port(self) -> int:
        """Where the Sentinels say that the master is."""
        with self.sentinels[0].client() as client:
            asked: Any = client
            found = asked.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER)
        return int(found[1])

    def _settled(self) -> bool:
        return all(self._knows_all(one) for one in self.sentinels)

    def _knows_all(self, sentinel: RedisServer) -> bool:
        with sentinel.client() as client:
            asked: Any = client
            told = asked.execute_command("INFO", "sentinel")["master0"]
        return bool(told["status"] == "ok" and told["slaves"] == 1 and told["sentinels"] == len(self.sentinels))


def free_port() -> int:
    """One whose port for a cluster's nodes is free as well."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as own, socket.socket() as bus:
            try:
                own.bind(("127.0.0.1", port))
                bus.bind(("127.0.0.1", port + _BUS))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


def wait_until(holds: Callable[[], bool], otherwise: str, seconds: float = _SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _node(folder: Path, number: int) -> RedisServer:
    settings = "cluster-enabled yes\ncluster-node-timeout 2000\ncluster-require-full-coverage no\n"
    return RedisServer(_made(folder / f"node-{number}"), settings, port=free_port())


def _whole(node: RedisServer, count: int) -> bool:
    with node.client() as client:
        info: Any = client.cluster("INFO")
    return bool(info["cluster_state"] == "ok" and int(info["cluster_size"]) == count)


@contextmanager
def _started(made: Callable[[Path], Any]) -> Iterator[Any]:
    """In a folder whose name is short enough for a socket."""
    with ExitStack() as stack:
        one = made(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="redis-"))))
        stack.callback(one.stop)
        yield one.start()


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    with _started(RedisServer) as server:
        yield server


@pytest.fixture
def redis_server(shared_redis: RedisServer) -> RedisServer:
    """The server of this test process, empty and as configured; who stops or freezes it puts it right."""
    with shared_redis.client() as client:
        client.flushall()
    return shared_redis


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisCluster]:
    """Three nodes, not flushed: keys of a test have names of their own."""
    with _started(RedisCluster) as cluster:
        yield cluster
