"""No secret of a channel in any sink (S13): canaries in every type of channel, through every way that one can fail."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import MetaData, select

from cognitude_plugins.alert_channels.delivery import outbox
from cognitude_plugins.gateway.storage.database import Storage
from hooks import Message
from tests.journeys.waiting import eventually
from tests.processes import ADMIN_KEY, KEY, Running, gateway

URL: Final = "canary-url-3b7e1c90d2a8"
PASSWORD: Final = "canary-password-c05d72ee8f13"
HEADER: Final = "canary-header-2d94c7f8e6b1"
ROUTING: Final = "canary-routing-6f01d8b3e7a2"
TEMPLATE: Final = "canary-template-a9c3e5d17f60"
SIGNING: Final = b64encode(b"canary-signing-0123456789abcdef!").decode()
CANARIES: Final = (URL, PASSWORD, HEADER, ROUTING, TEMPLATE, SIGNING)

WAYS: Final = ("200", "302", "400", "404", "410", "429", "500", "reset", "nonsense", "silent")


@contextmanager
def echoing() -> Iterator[str]:
    """Sends back what it was sent, in the body and in headers, in the way that the path begins with."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            way = self.path.split("/")[1]
            if way == "silent":
                self.connection.settimeout(1.5)
                self.rfile.read(1)
            elif way == "nonsense":
                self.wfile.write(b"\0" + self.path.encode())
            elif way != "reset":
                self.send_response(int(way), self.path)
                self.send_header("location", self.path)
                self.send_header("retry-after", self.path)
                self.end_headers()
                self.wfile.write(self.path.encode() + str(self.headers).encode() + body)
            self.close_connection = True

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings(base: str, way: str) -> dict[str, dict[str, Any]]:
    """Of a channel of each type."""
    url = f"{base}/{way}/{URL}"
    return {
        "slack": {"url": url},
        "webhook": {"url": url, "secret": f"whsec_{SIGNING}", "headers": {"x-key": HEADER}},
        "template": {"url": url, "headers": {"x-key": HEADER}, "secrets": {"k": TEMPLATE}, "body": {"k": "{secret.k}"}},
        "pagerduty": {"url": f"{base}/{way}", "routing_key": ROUTING},
    }


def mail(port: int, **more: Any) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": port,
        "username": "me",
        "password": PASSWORD,
        "from": "a@example.com",
        "to": ["b@example.com"],
        **more,
    }


@dataclass
class Heard:
    """All that was answered."""

    texts: list[str] = field(default_factory=list)

    def __call__(self, answer: httpx.Response, *statuses: int) -> Any:
        assert answer.status_code in statuses, answer.text
        self.texts.append(answer.text + str(answer.headers))
        return answer.json()


def wrong(base: str) -> list[dict[str, Any]]:
    """Bodies that are refused, each with a secret in it."""
    hook = settings(base, "200")["webhook"]
    return [
        {"name": "x", "type": "webhook", "settings": {**hook, "secret": PASSWORD}},
        {"name": "x", "type": "webhook", "settings": {**hook, "url": f"ftp://{URL}"}},
        {"name": "x", "type": "webhook", "settings": {**hook, "url": f"https://{PASSWORD}@example.com/{URL}"}},
        {"name": "x", "type": "webhook", "settings": {**hook, "headers": {"x-key": f"{HEADER}\r\n"}}},
        {"name": "x", "type": "webhook", "settings": {**hook, "url": [URL]}},
        {"name": "x", "type": "webhook", "settings": {**hook, "urll": URL}},
        {"name": "x", "type": "wehbook", "settings": hook},
        {"name": "X x", "type": "webhook", "settings": hook},
        {"name": "x", "type": "webhook", "settings": PASSWORD},
        {"name": "x", "type": "email", "settings": mail(25, tls="none")},
        {"name": "x", "type": "email", "settings": mail(0)},
        {"name": "x", "type": "email", "settings": mail(25, username=None)},
        {"name": "x", "type": "pagerduty", "settings": {"routing_key": ROUTING, "url": "nowhere"}},
        {"name": "x", "type": "template", "settings": {**settings(base, "200")["template"], "body": {"a": "{b}"}}},
        {"name": "x", "type": "webhook", "settings": hook, "min_severity": PASSWORD},
    ]


def made(http: httpx.Client, heard: Heard, base: str) -> list[str]:
    """A channel of each type for each way to fail, and mail servers that are none."""
    found = []
    for way in WAYS:
        for type, values in settings(base, way).items():
            body = {"name": f"{type}-{way}", "type": type, "settings": values}
            found.append(heard(http.post("/alerts/channels", json=body), 201))
    port = httpx.URL(base).port
    assert port is not None
    for tls in ("starttls", "implicit"):
        body = {"name": f"email-{tls}", "type": "email", "settings": mail(port, tls=tls)}
        found.append(heard(http.post("/alerts/channels", json=body), 201))
    return [one["id"] for one in found]


def put(storage: Storage, channels: list[str]) -> None:
    now = datetime.now(UTC)
    message = Message(id="", kind="firing", at=now, organization="default", title="An alert")
    now_ms = round(now.timestamp() * 1000)

    def work(connection: Any) -> None:
        for id in channels:
            outbox.enqueue(connection, channel=id, dedup_key="k", message=message, now_ms=now_ms)

    storage.write_now(work)


def tried(http: httpx.Client, heard: Heard, channels: list[str]) -> bool:
    found = [heard(http.get(f"/alerts/channels/{id}/deliveries"), 200)["data"][0]["attempts"] for id in channels]
    return all(found)


def everything_in(storage: Storage) -> str:
    def work(connection: Any) -> str:
        metadata = MetaData()
        metadata.reflect(connection)
        rows = [tuple(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
        return repr(rows)

    return storage.read_now(work)


def config(database: str, base: str) -> str:
    channels = {f"yaml-{type}": {"type": type, **values} for type, values in settings(base, "500").items()}
    return json.dumps(
        {
            "gateway": {"outbound": {"allow": ["127.0.0.0/8"], "allow_http": True}},
            "services": {"database": database},
            "models": [{"name": "sim", "provider": "simulated/echo"}],
            "pipeline": [
                {
                    "use": "alert_channels",
                    "config": {"channels": channels, "delivery": {"timeout_seconds": 1}},
                }
            ],
        }
    )


@pytest.mark.timeout(180)
def test_no_secret_of_a_channel_is_in_any_sink_whatever_fails(tmp_path: Path, database_url: str) -> None:
    heard, storage = Heard(), Storage(database_url)
    with echoing() as base, gateway(config(database_url, base), tmp_path) as one, one.client() as http:
        for body in wrong(base):
            heard(http.post("/alerts/channels", json=body), 400)
        ids = made(http, heard, base)
        declared = [f"yaml:yaml-{type}" for type in settings(base, "500")]
        put(storage, [*ids, *declared])
        assert eventually(lambda: tried(http, heard, ids), 90), one.text()
        fail_aloud(one, http, heard, ids)
        looked_at = [one.text(), everything_in(storage), *heard.texts]
    storage.close()
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "plugins.yaml":
            looked_at.append(path.read_bytes().decode("latin-1"))
    for canary in CANARIES:
        assert not [text for text in looked_at if canary in text], canary
    assert "**********" in "".join(heard.texts), "secrets are there, and masked"


def fail_aloud(one: Running, http: httpx.Client, heard: Heard, ids: list[str]) -> None:
    """By the API, in which everything is shown that is."""
    for id in ids:
        heard(http.post(f"/alerts/test/{id}"), 200, 429)
        heard(http.get(f"/alerts/channels/{id}"), 200)
        heard(http.patch(f"/alerts/channels/{id}", json={"settings": {"url": f"x:{URL}", "password": [PASSWORD]}}), 400)
    [hook] = [id for id in ids[:2] if "webhook" in http.get(f"/alerts/channels/{id}").text]
    heard(http.get("/alerts/channels"), 200)
    heard(http.get("/health"), 200)
    rotated = heard(http.post(f"/alerts/channels/{hook}/rotate", json={"overlap_hours": -1}), 400)
    assert "overlap_hours" in str(rotated)
    with one.client(key=ADMIN_KEY) as root:
        for name in ("slack", "webhook", "template", "pagerduty"):
            heard(root.post(f"/alerts/test/yaml:yaml-{name}"), 200, 429)
        heard(root.get("/alerts/channels"), 200)
    assert KEY not in "".join(heard.texts)
