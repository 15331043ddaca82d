"""An alert arrives once (R13), also when whoever sends it dies before it has written that down."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final

import httpx
import psutil
import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from cognitude_plugins.alert_channels.channels.signature import new_secret
from cognitude_plugins.gateway.storage.database import Storage
from tests.journeys.waiting import eventually
from tests.processes import Running, gateway

CHANNELS: Final = ("one", "two")
SECONDS: Final = 3
"""For an attempt. On a machine that is busy two that take longer would put off a message by minutes."""


class Receivers:
    """What comes is verified, and kept apart by its ``webhook-id``. Who sends dies of it, ``kills`` of them."""

    def __init__(self, secret: str) -> None:
        self._verifier = Webhook(secret)
        self._lock = Lock()
        self.gateway: psutil.Process | None = None
        self.kills = 0
        self.killed = 0
        self.came = 0
        self.ids: dict[tuple[str, str], set[str]] = defaultdict(set)
        """Of each receiver and alert."""

    def take(self, path: str, headers: dict[str, str], body: bytes, port: int) -> bool:
        """Whether it is to be answered: it is not where who sent it is dead."""
        data = self._verifier.verify(body, headers)["data"]
        with self._lock:
            self.came += 1
            self.ids[path, data["data"]["name"]].add(headers["webhook-id"])
            if self.killed >= self.kills or self.gateway is None:
                return True
            for worker in self.gateway.children(recursive=True):
                if has_open(worker, port):
                    worker.kill()
                    self.killed += 1
                    return False
        return True


def has_open(process: psutil.Process, port: int) -> bool:
    with suppress(psutil.Error):
        return any(one.laddr.port == port for one in process.net_connections("tcp4"))
    return False


@contextmanager
def receiving(receivers: Receivers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if receivers.take(self.path, headers, body, self.client_address[1]):
                self.send_response(204)
                self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def config(database: str, receivers: str, secret: str) -> str:
    channels = {name: {"type": "webhook", "url": f"{receivers}/{name}", "secret": secret} for name in CHANNELS}
    plugin = {"use": "alert_channels", "config": {"channels": channels, "delivery": {"timeout_seconds": SECONDS}}}
    return json.dumps(
        {
            "gateway": {"outbound": {"allow": ["127.0.0.0/8"], "allow_http": True}},
            "services": {"database": database},
            "models": [{"name": "sim", "provider": "simulated/echo"}],
            "pipeline": [plugin],
        }
    )


def cross(one: Running, name: str) -> None:
    """A rule whose threshold is crossed is looked at twice, by whichever workers it comes to."""
    rule = {"name": name, "metric": "calls", "operator": ">=", "threshold": 0}
    with one.client() as client:
        id = answered(client, "/alerts/configs", rule, 201)["id"]
        for _ in range(2):
            [found] = answered(client, "/alerts/check", {"rules": [id], "apply": True}, 200)["data"]
            assert found["broken"]


def answered(client: httpx.Client, path: str, body: Any, status: int) -> Any:
    """Asked again where the worker that was asked has died."""
    while True:
        with suppress(httpx.TransportError):
            found = client.post(path, json=body)
            assert found.status_code == status, found.text
            return found.json()


def settled(storage: Storage, messages: int) -> bool:
    found = {(id, state) for id, _, state, _ in standing(storage)}
    return len(found) == messages and {state for _, state in found} == {"sent"}


def standing(storage: Storage) -> list[tuple[str, str, str, str | None]]:
    """Every message's id, channel and state, with what its last attempts came to."""
    asked = text(
        "SELECT o.id, o.channel, o.state, a.detail FROM alert_outbox o LEFT JOIN alert_attempt a ON a.message = o.id"
    )
    return storage.read_now(lambda connection: [tuple(row) for row in connection.execute(asked)])


def each_arrives_once(folder: Path, database: str, *, kills: int) -> None:
    secret = new_secret()
    receivers = Receivers(secret)
    alerts: list[str] = []
    storage = Storage(database)
    with (
        receiving(receivers) as url,
        gateway(config(database, url, secret), folder, "--workers", "4") as one,
    ):
        receivers.gateway = psutil.Process(one.process.pid)
        while receivers.killed < kills:
            receivers.kills = receivers.killed + 1
            alerts.append(f"alert-{len(alerts)}")
            cross(one, alerts[-1])
            assert eventually(lambda: settled(storage, len(CHANNELS) * len(alerts)), 90), (
                standing(storage),
                one.text(),
            )
        check(one, receivers, alerts, kills)
    storage.close()


def check(one: Running, receivers: Receivers, alerts: list[str], kills: int) -> None:
    assert set(receivers.ids) == {(f"/{name}", title) for name in CHANNELS for title in alerts}, "none is missed"
    assert {len(ids) for ids in receivers.ids.values()} == {1}, "each under one id"
    assert len({id for ids in receivers.ids.values() for id in ids}) == len(receivers.ids), "and no two under the same"
    assert receivers.killed == kills, one.text()
    assert receivers.came >= len(receivers.ids) + kills, "those who died had sent what they did not write down"


@pytest.mark.timeout(300)
def test_each_alert_arrives_once_whoever_dies(tmp_path: Path, database_url: str) -> None:
    each_arrives_once(tmp_path, database_url, kills=3)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_each_alert_arrives_once_though_twenty_die(tmp_path: Path, database_url: str) -> None:
    each_arrives_once(tmp_path, database_url, kills=20)
