"""No secret in any sink (S13): canaries through every way to fail, and then a search for them everywhere."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import MetaData, select

from cognitude_plugins.gateway.app import App, create_app
from cognitude_plugins.gateway.storage.database import Storage
from hooks.frozen import FrozenDict, FrozenList
from tests.databases import PASSWORD, Postgres
from tests.journeys.recorder import Received, Recorder, answer, chunk, recording, stream
from tests.journeys.wire import CHAT, connected, head, post
from tests.processes import CLI, Running, gateway

CLIENT = "canary-client-4a7c1e90b2d8"
ADMIN = "canary-admin-91be07d3f5a6"
BOOTSTRAP = "canary-bootstrap-c05d72ee8f13"
ADMIN_OF_ENVIRONMENT = "canary-environment-7b20fa64d9c1"
PROVIDER = "canary-provider-e83f16b5a0d4"
HEADER = "canary-header-2d94c7f8e6b1"
QUERY = "canary-query-6f01d8b3e7a2"
OWN = "canary-own-a9c3e5d17f60"
OFFERED = "canary-offered-18e6b4c9d2f7"
MASTER = "canary-master-0123456789-f4b8a2c6d0e1"
PROMPT = "canary-prompt-d7e2b9f03c58"
WRITTEN = (CLIENT, ADMIN, BOOTSTRAP, ADMIN_OF_ENVIRONMENT, PROVIDER, HEADER, QUERY, OWN, OFFERED, MASTER, PASSWORD)
"""Those that are chosen; what the gateway makes itself comes on top."""

PLUGIN = """
from __future__ import annotations
import logging
from hooks import hookimpl

log = logging.getLogger("cognitude.plugin")


class Clumsy:
    @hookimpl
    async def pre_request(self, call):
        log.debug("%r", call)
        if call.model == "raising":
            raise ValueError(f"cannot make anything of {call!r}")
        if call.model == "nonsense":
            return call.body

    @hookimpl
    async def post_response(self, call, reply):
        log.debug("%r", reply)
        if call.model == "late":
            raise RuntimeError(f"{call!r} {reply!r}")
        return reply.change(broken) if call.model == "changed" else None


def broken(body):
    raise KeyError("no such field")
"""


def configuration(upstream: str, database: str, plugin: str = "Clumsy") -> str:
    keys = [
        {"id": "mine", "secret": CLIENT, "organization": "acme", "role": "admin"},
        {"id": "root", "secret": ADMIN, "admin": True},
    ]
    remote: dict[str, Any] = {"api_key": PROVIDER, "headers": {"x-second-key": HEADER}}
    direct = {**remote, "provider": "openai/real", "base_url": f"{upstream}/v1", "options": {"query": {"sig": QUERY}}}
    translated = {**remote, "provider": "anthropic/real", "base_url": upstream}
    models: list[dict[str, Any]] = [
        {"name": "direct", **direct},
        {"name": "translated", **translated},
        {"name": "kept", **translated, "provider": "azure/real", "options": {"api_version": "2024-10-21"}},
        *({"name": name, "provider": "simulated/echo"} for name in ("raising", "nonsense", "late", "changed")),
    ]
    whole = {
        "gateway": {
            "keys": keys,
            "secret_keys": [MASTER],
            "drain": {"announce_seconds": 0},
            "timeouts": {"first_token": 1.0, "between_chunks": 1.0, "total": 2.0},
            "limits": {"body_bytes": 100_000},
            "breaker": {"enabled": False},
            "retries": {"most": 0},
        },
        "services": {"database": database},
        "models": models,
        "pipeline": [{"use": f"./clumsy.py:{plugin}", "on_error": "reject"}],
    }
    return json.dumps(whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    one: Running
    upstream: Recorder
    folder: Path
    database: str
    made: tuple[str, ...] = ()
    """The secrets of the keys that the gateway has made."""
    said: list[str] = field(default_factory=list)
    """What it answered, and what commands printed."""

    def call(self, key: str, body: Any, **options: Any) -> None:
        with self.one.client(key=key) as client, suppress(httpx.RemoteProtocolError):
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.note(client.post(CHAT, content=content, **options))

    def note(self, got: httpx.Response) -> None:
        self.said.append(f"{got.status_code} {got.headers!r} {got.text}")

    def run(self, *words: str, config: str = "plugins.yaml") -> None:
        done = subprocess.run(
            [*CLI, *words],
            cwd=self.folder,
            env={**os.environ, **ENVIRONMENT, "COGNITUDE_CONFIG": config},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.said.append(done.stdout + done.stderr)


ENVIRONMENT = {"COGNITUDE_BOOTSTRAP_KEY": BOOTSTRAP, "COGNITUDE_ADMIN_KEY": ADMIN_OF_ENVIRONMENT}


def with_password(url: str) -> str:
    """Of the user who needs one; a file needs none."""
    return url.replace("postgres@", f"guarded:{PASSWORD}@")


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Place]:
    (tmp_path / "clumsy.py").write_text(PLUGIN)
    database = with_password(database_url)
    with (
        recording() as upstream,
        gateway(
            configuration(upstream.url, database), tmp_path, "--log-level", "debug", "--workers", "2", env=ENVIRONMENT
        ) as one,
        one.client(key=ADMIN) as root,
    ):
        made = root.post("/admin/organizations", json={"id": "globex", "name": "Globex"})
        key = root.post("/admin/keys", json={"organization": "globex", "role": "admin"})
        rotated = root.post(f"/admin/keys/{key.json()['id']}/rotate", json={})
        own = {"provider": "openai", "api_key": OWN}
        kept = root.post("/providers/config", params={"organization": "globex"}, json=own)
        second = root.post(
            "/providers/config", params={"organization": "globex"}, json={**own, "provider": "anthropic"}
        )
        assert (made.status_code, kept.status_code, second.status_code) == (201, 201, 201), kept.text
        secrets = (key.json()["secret"], rotated.json()["secret"])
        time.sleep(2.0)
        yield Place(one=one, upstream=upstream, folder=tmp_path, database=database, made=secrets)


def asking(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}], **fields}


def quoting(status: int, kind: str = "application/json", **error: Any) -> Callable[[Received], bytes]:
    """An upstream that says which credentials and which prompt it did not like."""

    def said(received: Received) -> bytes:
        text = f"{received.line} {received.headers} {received.body!r}"
        body = {"error": {"message": text, "type": text, "code": text, "param": text, **error}}
        return answer(status, json.dumps(body).encode() if "json" in kind else text.encode(), kind=kind)

    return said


def broken_off(received: Received) -> bytes:
    return stream(chunk("Hello"), end=False)


def an_error_in_a_stream(received: Received) -> bytes:
    return stream(chunk("Hello"), {"error": {"message": received.body.decode()}})


UPSTREAM: dict[str, Callable[[Received], bytes]] = {
    **{f"{status}": quoting(status) for status in (302, 400, 401, 402, 403, 404, 408, 422, 429, 500, 503)},
    **{f"{status} as text": quoting(status, "text/plain") for status in (200, 400, 401, 500)},
    "half an answer": lambda received: answer(200, b'{"id": "' + received.body),
    "no JSON": lambda received: answer(200, received.body[1:]),
    "another shape": lambda received: answer(200, {"said": received.body.decode()}),
    "no HTTP": lambda received: received.body + b"\r\n\r\n",
    "nothing": lambda received: b"",
    "compressed": lambda received: answer(200, received.body, "content-encoding: gzip"),
    "a stream that breaks off": broken_off,
    "a stream of something else": lambda received: answer(200, received.body, kind="text/event-stream"),
    "an error in a stream": an_error_in_a_stream,
}


def through_providers(place: Place) -> int:
    """Both ways to a provider, with the gateway's key and with an organization's own, whole and streamed."""
    count = 0
    for said in UPSTREAM.values():
        place.upstream.answer = said
        for model in ("direct", "translated"):
            for key in (CLIENT, place.made[1]):
                for streamed in (False, True):
                    place.call(key, asking(model, stream=streamed))
                    count += 1
    return count


def through_bad_requests(place: Place) -> int:
    before = len(place.said)
    for name in ("Authorization", "X-API-Key", "api-key"):
        for secret in (f"{CLIENT}x", f"Basic {CLIENT}", place.made[0][:-1], f"{place.made[0][:-6]}AAAAAA", OFFERED):
            place.note(httpx.post(place.one.url + CHAT, headers={name: secret}, json=asking("sim"), trust_env=False))
    two = {"Authorization": f"Bearer {CLIENT}", "X-API-Key": place.made[1]}
    place.note(httpx.post(place.one.url + CHAT, headers=two, json=asking("sim"), trust_env=False))
    whole = json.dumps(asking("direct")).encode()
    bodies: list[Any] = [
        whole[:-1],
        b"[" + whole + b"]",
        PROMPT.encode(),
        b"\xff" + whole,
        json.dumps(asking("direct", more="x" * 100_000)).encode(),
        b'{"a":' * 100 + whole + b"}" * 100,
        asking("nobody"),
        asking("direct", n=PROMPT),
        asking("direct", stream=PROMPT),
        {"model": "direct", "messages": PROMPT},
        {"model": "translated", "messages": [PROMPT]},
        {"model": "translated", "messages": [{"role": "user", "content": {"a": PROMPT}}]},
        {"model": "translated", "messages": [{"role": PROMPT, "content": PROMPT, "tool_calls": PROMPT}]},
        asking("translated", tools=[{"type": PROMPT}], response_format={"type": PROMPT}, tool_choice=PROMPT),
        *(asking(model) for model in ("raising", "nonsense", "late", "changed")),
        *(asking(model, stream=True) for model in ("raising", "late", "changed")),
    ]
    for body in bodies:
        place.call(CLIENT, body)
    place.call(CLIENT, asking("direct"), headers={"content-encoding": "gzip"})
    place.call(CLIENT, asking("direct"), headers={"content-type": f"text/{PROMPT}"})
    place.call(CLIENT, asking("direct"), headers={"x-cognitude-tags": f"=,{PROMPT}"})
    place.call(ADMIN, asking("direct"))
    return len(place.said) - before


def through_administration(place: Place) -> int:
    before = len(place.said)
    wrong: list[tuple[str, str, Any]] = [
        ("POST", "/providers/config", {"provider": "openai", "api_key": f"{OFFERED} "}),
        ("POST", "/providers/config", {"provider": "openai", "api_key": [OFFERED]}),
        ("POST", "/providers/config", {"provider": "openai", "api_key": OFFERED, "key": OFFERED}),
        ("POST", "/providers/config", {"provider": "nobody", "api_key": OFFERED}),
        ("POST", "/providers/config", {"provider": "openai", "api_key": OFFERED, "base_url": "http://127.0.0.1/"}),
        ("POST", "/providers/config", {"provider": "openai", "api_key": OFFERED * 1000}),
        ("POST", "/providers/config", f'{{"provider": "openai", "api_key": "{OFFERED}'),
        ("DELETE", "/providers/config?provider=nobody", None),
        ("POST", "/admin/keys", {"secret": OFFERED}),
        ("POST", "/admin/keys", {"models": OFFERED}),
        ("PATCH", "/admin/keys/nobody", {"secret": OFFERED}),
        ("POST", "/admin/keys/nobody/rotate", {"secret": OFFERED}),
        ("POST", "/admin/users", {"name": {"a": OFFERED}}),
        ("POST", "/admin/reload", None),
        ("GET", "/analytics/usage?group_by=nothing", None),
    ]
    for key in (CLIENT, place.made[1], BOOTSTRAP):
        with place.one.client(key=key) as client:
            for method, path, body in wrong:
                content = body if body is None or isinstance(body, str) else json.dumps(body)
                place.note(client.request(method, path, content=content, headers={"content-type": "application/json"}))
    return len(place.said) - before


def through_bad_files(place: Place) -> int:
    """Reloads of what cannot be loaded, by both ways, and the commands on the same files."""
    file, good = place.folder / "plugins.yaml", (place.folder / "plugins.yaml").read_text()
    models = '"models": [{"name": "sim", "provider": "simulated/echo"}]'
    bad = [
        good[:-40],
        good.replace('"secret":', '"secrett":'),
        good.replace(CLIENT, f"{CLIENT} "),
        good.replace(f'["{MASTER}"]', f'"{MASTER}"'),
        good.replace(f'"{PROVIDER}"', f'["{PROVIDER}"]'),
        good.replace('"openai/real"', '"openai/real", "api_kee": 1'),
        good.replace("clumsy.py", "nowhere.py"),
        f'{{{models}, "gateway": {{"keys": ["{CLIENT}"], "proxy": "ftp://me:{OFFERED}@h"}}}}',
        f'{{{models}, "services": {{"database": "mysql://me:{OFFERED}@h/db"}}}}',
        f'{{{models}, "services": {{"database": "postgresql://me:pass/{OFFERED}@h/db"}}}}',
        f'{{{models}, "services": {{"database": "postgresql://me@nowhere.invalid/db?password={OFFERED}"}}}}',
        f'{{{models}, "gateway": {{"secret_keys": ["{OFFERED}-of-another-installation"]}}, '
        f'"services": {{"database": {json.dumps(place.database)}}}}}',
    ]
    with place.one.client(key=ADMIN) as root:
        for text in bad:
            file.write_text(text)
            told = root.post("/admin/reload", timeout=40)
            assert told.status_code in (422, 503), told.text
            place.note(told)
        place.one.process.send_signal(signal.SIGHUP)
        for number in (0, 2, 7, 9, 10, 11):
            file.write_text(bad[number])
            place.run(*(("check",) if number < 9 else ("org", "list")))
        file.write_text(good)
        assert root.post("/admin/reload").status_code == 200
    return len(bad) + 7


def through_commands(place: Place) -> int:
    before = len(place.said)
    for line in (
        "check",
        "migrate --dry-run --json",
        "key list --json",
        "key rotate nobody",
        "key create --organization nowhere",
        f"key create --organization globex --user {OFFERED}x --models a#b",
        "ledger export --output -",
        "usage --organization globex",
        "serve --host 203.0.113.1",
    ):
        place.run(*line.split())
    return len(place.said) - before


def through_hang_ups(place: Place) -> int:
    def slow(received: Received) -> bytes:
        time.sleep(1.0)
        return answer()

    place.upstream.answer = slow
    requests = [
        post(asking("direct"), key=CLIENT),
        post(asking("translated", stream=True), key=place.made[1]),
        post(json.dumps(asking("direct")).encode()[:-9], key=CLIENT, length=1000),
        head("GET", f"/{'x' * 40_000}", key=CLIENT),
        f"GARBAGE {CLIENT}\r\n{PROMPT}\r\n\r\n".encode(),
    ]
    for request in requests:
        with connected(place.one.url) as wire:
            wire.sendall(request)
            time.sleep(0.2)
    return len(requests)


def searched(place: Place, secrets: tuple[str, ...]) -> list[str]:
    """Where any of them is."""
    found = [f"answer: {text}" for text in place.said if holds(text, secrets)]
    for path in ("/health", "/openapi.json", "/docs", "/readyz"):
        if holds(httpx.get(place.one.url + path, trust_env=False).text, secrets):
            found.append(path)
    family = [psutil.Process(place.one.process.pid), *psutil.Process(place.one.process.pid).children(recursive=True)]
    found += [f"arguments of {one.pid}" for one in family if holds(" ".join(one.cmdline()), secrets)]
    assert place.one.stop() == 0
    for file in place.folder.rglob("*"):
        if file.is_file() and file.name not in ("plugins.yaml", "secret.key") and holds(file.read_bytes(), secrets):
            found.append(str(file))
    return found + [f"table {name}" for name, text in tables(place.database) if holds(text, secrets)]


def holds(text: str | bytes, secrets: tuple[str, ...]) -> bool:
    raw = text if isinstance(text, bytes) else text.encode()
    return any(secret.encode() in raw for secret in secrets)


def tables(database: str) -> Iterator[tuple[str, bytes]]:
    """Every table with all that is in it."""
    storage = Storage(database)
    metadata = MetaData()
    try:
        metadata.reflect(storage.engine)
        for table in metadata.tables.values():
            rows = storage.read_now(lambda connection, table=table: connection.execute(select(table)).all())
            values = (value for row in rows for value in row)
            parts = (value if isinstance(value, bytes) else str(value).encode() for value in values)
            yield table.name, b"\n".join(parts)
    finally:
        storage.close()


@pytest.mark.timeout(300)
def test_no_secret_is_in_any_sink_whatever_fails(place: Place) -> None:
    ways = (
        through_providers,
        through_bad_requests,
        through_administration,
        through_bad_files,
        through_commands,
        through_hang_ups,
    )
    assert sum(way(place) for way in ways) > 300
    keys = (*WRITTEN, *place.made)
    prompts_to_their_own_client = list(place.said)
    found = searched(place, keys)
    place.said.clear()
    log = place.one.text()
    assert found == []
    assert "status_429" in log
    assert "plugin Clumsy failed in pre_request" in log
    assert PROMPT not in log
    assert any(PROMPT in text for text in prompts_to_their_own_client), "the upstream did quote it"
    files = [file for file in place.folder.rglob("*") if file.is_file() and holds(file.read_bytes(), (PROMPT,))]
    assert files == []
    assert [name for name, text in tables(place.database) if holds(text, (PROMPT,))] == []


def test_a_database_that_is_gone_says_nothing_of_what_it_was_sent(
    postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    database = with_password(postgres_url)
    (tmp_path / "clumsy.py").write_text(PLUGIN)
    with recording() as upstream:
        config = configuration(upstream.url, database)
        with gateway(config, tmp_path, "--log-level", "debug", env=ENVIRONMENT) as one:
            place = Place(one=one, upstream=upstream, folder=tmp_path, database=database)
            with postgres.frozen(), one.client(key=CLIENT) as client:
                body = {"provider": "openai", "api_key": OFFERED}
                refused = client.post("/providers/config", json=body)
                assert refused.status_code == 503
                place.note(refused)
                place.note(client.post("/admin/keys", json={"label": "made in the dark"}))
                place.call(CLIENT, asking("direct"))
                place.note(client.get("/health"))
                place.run("org", "list")
                time.sleep(2.0)
            assert searched(place, WRITTEN) == []
            assert PROMPT not in one.text()


@pytest.mark.parametrize(
    "tail", ["", "&connect_timeout=perhaps", "&sslmode=perhaps", "&password=canary-query-6f01d8b3e7a2"]
)
def test_a_database_that_lets_nobody_in_is_named_without_the_password(
    postgres: Postgres, tmp_path: Path, tail: str
) -> None:
    url = f"postgresql://guarded:{OFFERED}@/postgres?host={postgres.folder}{tail}"
    text = f"models: [{{name: sim, provider: simulated/echo}}]\nservices: {{database: {json.dumps(url)}}}\n"
    with pytest.raises(AssertionError) as raised, gateway(text, tmp_path, "--log-level", "debug"):
        pass
    assert "the process ended with" in str(raised.value)
    assert not holds(str(raised.value), WRITTEN)


def test_a_database_of_a_later_version_is_refused_without_a_secret(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "clumsy.py").write_text(PLUGIN)
    config = configuration("http://127.0.0.1:1", sqlite_url)
    with gateway(config, tmp_path, env=ENVIRONMENT):
        pass
    storage = Storage(sqlite_url)
    storage.write_now(
        lambda connection: connection.exec_driver_sql("UPDATE schema_version_core SET version_num = '9999_later'")
    )
    storage.close()
    with pytest.raises(AssertionError) as raised, gateway(config, tmp_path, "--log-level", "debug", env=ENVIRONMENT):
        pass
    assert "9999_later" in str(raised.value)
    assert not holds(str(raised.value), WRITTEN)


@asynccontextmanager
async def living(config: str, folder: Path) -> AsyncIterator[App]:
    (folder / "clumsy.py").write_text(PLUGIN)
    (folder / "plugins.yaml").write_text(config)
    app = create_app(folder / "plugins.yaml", ENVIRONMENT)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


async def test_no_living_object_shows_a_secret(tmp_path: Path, sqlite_url: str) -> None:
    """Whoever logs any of them, or sees it in a debugger or a crash report, sees no key.

    A frozen dict is left out, since it shows what is in it as a dict does; who has one does not show it.
    """
    shown: dict[str, str] = {}
    with recording() as upstream:
        async with living(configuration(upstream.url, sqlite_url), tmp_path) as app:
            transport = httpx.ASGITransport(app)
            headers = {"authorization": f"Bearer {CLIENT}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client:
                for model in ("direct", "direct", "translated"):
                    assert (await client.post(CHAT, json=asking(model))).status_code in (200, 502)
                body = {"provider": "openai", "api_key": OWN}
                assert (await client.post("/providers/config", json=body)).status_code == 201
                assert (await client.post(CHAT, json=asking("direct"))).status_code == 200
            gc.unfreeze()
            for one in gc.get_objects():
                kind = type(one)
                ours = str(kind.__module__).startswith(("cognitude_plugins.", "hooks"))
                if ours and kind not in (FrozenDict, FrozenList) and kind.__repr__ is not object.__repr__:
                    shown[f"{kind.__qualname__} {id(one)}"] = repr(one)
    assert {received.header("authorization")[0] for received in upstream.received[::3]} == {
        f"Bearer {PROVIDER}",
        f"Bearer {OWN}",
    }
    assert {name.split()[0] for name in shown} >= {"Runtime", "Books", "Target", "Credential", "SecretKey", "Config"}
    assert [name for name, text in shown.items() if holds(text, WRITTEN)] == []


async def test_two_organizations_at_once_never_call_with_the_key_of_the_other(tmp_path: Path, sqlite_url: str) -> None:
    """Both ways to a provider, one of them with clients that are kept; the third organization has no key of its own."""
    others = ("globex", "initech")
    with recording() as upstream:
        config = configuration(upstream.url, sqlite_url)
        (tmp_path / "clumsy.py").write_text(PLUGIN)
        with gateway(config, tmp_path, env=ENVIRONMENT) as one, one.client(key=ADMIN) as root:
            keys = {CLIENT: PROVIDER}
            for name in others:
                assert root.post("/admin/organizations", json={"id": name, "name": name}).status_code == 201
                made = root.post("/admin/keys", json={"organization": name}).json()["secret"]
                keys[made] = f"{OWN}-{name}"
                for provider in ("openai", "anthropic", "azure"):
                    body = {"provider": provider, "api_key": keys[made]}
                    kept = root.post("/providers/config", params={"organization": name}, json=body)
                    assert kept.status_code == 201
            expected = await asked_at_once(one, keys)
            received = {marker(one): credentials(one) for one in upstream.received}
    # The upstream is a plain one and may have turned some away.
    assert len(received) > len(expected) * 0.8
    assert received.items() <= expected.items()


async def asked_at_once(one: Running, keys: dict[str, str]) -> dict[str, set[str]]:
    """Which of the gateway's credentials each call should have gone with, by what it said."""
    gate, expected = asyncio.Semaphore(40), {}

    async def call(client: httpx.AsyncClient, key: str, number: int) -> None:
        model = ("direct", "translated", "kept")[number % 3]
        text = f"<call {number} of {keys[key]}>"
        body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": number % 4 > 1}
        expected[text] = {keys[key]} | ({HEADER} if keys[key] == PROVIDER else set())
        async with gate:
            with suppress(httpx.RemoteProtocolError):
                await client.post(one.url + CHAT, json=body, headers={"authorization": f"Bearer {key}"})

    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        await asyncio.gather(*(call(client, key, number) for number in range(80) for key in keys))
    return expected


def marker(received: Received) -> str:
    found = re.search(rb"<call .*?>", received.body)
    assert found is not None
    return found[0].decode()


def credentials(received: Received) -> set[str]:
    return {canary for canary in re.findall(r"canary-[a-z0-9-]+", str(received.headers)) if canary != QUERY}
