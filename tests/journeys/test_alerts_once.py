"""An alert arrives once (R13), also when whoever sends it dies before it has written that down."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final

import psutil
import pytest
from standardwebhooks import Webhook

from cognitude_plugins.alert_channels.channels.signature import new_secret
from cognitude_plugins.alert_channels.delivery import outbox
from cognitude_plugins.gateway.storage.database import Storage
from hooks import Message
from tests.journeys.waiting import eventually
from tests.processes import Running, gateway

CHANNELS: Final = ("one", "two")


class Receivers:
    """Verify and keep apart what comes by its ``webhook-id``; the first ``kills`` who send something die of it."""

    def __init__(self, secret: str, kills: int) -> None:
        self._verifier = Webhook(secret)
        self._lock = Lock()
        self.gateway: psutil.Process | None = None
        self.kills = kills
        self.killed = 0
        self.came = 0
        self.ids: dict[tuple[str, str], set[str]] = defaultdict(set)
        """Of each receiver and alert."""

    def take(self, path: str, headers: dict[str, str], body: bytes, port: int) -> bool:
        """Whether it is to be answered: it is not where who sent it is dead."""
        data = self._verifier.verify(body, headers)["data"]
        with self._lock:
            self.came += 1
            self.ids[path, data["title"]].add(headers["webhook-id"])
            if self.killed >= self.kills or self.gateway is None:
                return True
            for worker in self.gateway.children(recursive=True):
                with suppress(psutil.Error):
                    if any(one.laddr.port == port for one in worker.net_connections("tcp4")):
                        worker.kill()
                        self.killed += 1
                        return False
        return True


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
    plugin = {"use": "alert_channels", "config": {"channels": channels, "delivery": {"timeout_seconds": 1}}}
    return json.dumps(
        {
            "gateway": {"outbound": {"allow": ["127.0.0.0/8"], "allow_http": True}},
            "services": {"database": database},
            "models": [{"name": "sim", "provider": "simulated/echo"}],
            "pipeline": [plugin],
        }
    )


def cross(storage: Storage, titles: list[str]) -> None:
    """As an evaluation does that finds a threshold crossed, and once more as one that had its own in doubt."""
    now = datetime.now(UTC)

    def work(connection: Any) -> None:
        for title in titles:
            message = Message(id="", kind="firing", at=now, organization="default", title=title, about=title)
            for name in CHANNELS:
                now_ms = round(now.timestamp() * 1000)
                outbox.enqueue(connection, channel=f"yaml:{name}", dedup_key=title, message=message, now_ms=now_ms)

    for _ in range(2):
        storage.write_now(work)


def settled(storage: Storage) -> bool:
    from sqlalchemy import text

    states = storage.read_now(
        lambda connection: connection.execute(text("SELECT state FROM alert_outbox")).scalars().all()
    )
    return set(states) == {"sent"}


def each_arrives_once(folder: Path, database: str, *, kills: int) -> None:
    secret = new_secret()
    receivers = Receivers(secret, kills)
    alerts = [f"alert {number}" for number in range(kills + 4)]
    storage = Storage(database)
    with (
        receiving(receivers) as url,
        gateway(config(database, url, secret), folder, "--workers", "4") as one,
    ):
        receivers.gateway = psutil.Process(one.process.pid)
        for start in range(0, len(alerts), 4):
            cross(storage, alerts[start : start + 4])
            assert eventually(lambda upto=start + 4: told(receivers, alerts[:upto]), 90), one.text()  # type: ignore[misc]
        assert eventually(lambda: settled(storage), 90), one.text()
        check(one, receivers, alerts, kills)
    storage.close()


def told(receivers: Receivers, alerts: list[str]) -> bool:
    return all(receivers.ids.get((f"/{name}", title)) for name in CHANNELS for title in alerts)


def check(one: Running, receivers: Receivers, alerts: list[str], kills: int) -> None:
    assert set(receivers.ids) == {(f"/{name}", title) for name in CHANNELS for title in alerts}, "none is missed"
    assert {len(ids) for ids in receivers.ids.values()} == {1}, "each under one id"
    assert len({id for ids in receivers.ids.values() for id in ids}) == len(receivers.ids), "and no two under the same"
    assert receivers.killed == kills, one.text()
    assert receivers.came >= len(receivers.ids) + kills, "those who died had sent what they did not write down"


def test_each_alert_arrives_once_whoever_dies(tmp_path: Path, database_url: str) -> None:
    each_arrives_once(tmp_path, database_url, kills=4)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_each_alert_arrives_once_though_twenty_die(tmp_path: Path, database_url: str) -> None:
    each_arrives_once(tmp_path, database_url, kills=20)
