"""From the bytes of a request to a call: who is let in, what is refused, and which of it has a row in the ledger."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway.runtime import Runtime
from tests.gateway.calls import CHAT, KEY, STREAM, YAML, Client, Message, Upstream, runtime_of

ADMIN = "secret-of-a-gateway-admin"
VIEWER = "secret-of-somebody-who-reads"
MORE_KEYS = YAML.replace(
    "organization: acme}]",
    f"organization: acme}}, {{id: root, secret: {ADMIN}, admin: true}}, "
    f"{{id: eye, secret: {VIEWER}, organization: acme, role: viewer}}]",
)


@asynccontextmanager
async def started(folder: Path, yaml: str = MORE_KEYS) -> AsyncIterator[Runtime]:
    runtime = runtime_of(folder, upstream=Upstream(), yaml=yaml)
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.idle()
        await runtime.stop()


def journal(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (folder / "data" / "journal").glob("*.journal"))


@pytest.mark.parametrize("durability", ["process", "disk"])
@pytest.mark.parametrize(
    ("body", "status"), [(CHAT, 200), (STREAM, 200), (b"{", 400), ({"model": "nobodys", "messages": []}, 404)]
)
async def test_a_row_is_in_the_journal_before_the_last_byte_leaves(
    tmp_path: Path, durability: str, body: Any, status: int
) -> None:
    found = []

    def look(client: Client, message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            found.append(journal(tmp_path).count(client.headers["x-request-id"].encode()))

    yaml = MORE_KEYS.replace("gateway:\n", f"gateway:\n  ledger: {{durability: {durability}}}\n")
    async with started(tmp_path, yaml) as runtime:
        client = await Client(body, on_send=look).ask(runtime)
    assert (client.status, found) == (status, [1])


@pytest.mark.parametrize(
    ("body", "headers", "named"),
    [
        ({"model": "up", "user": "ann"}, {}, ("up", "up", "ann")),
        ({"model": "nobodys", "messages": 7}, {}, ("nobodys", "", None)),
        ({**CHAT, "n": 99}, {}, ("up", "up", None)),
        (CHAT, {"x-cognitude-tags": "=="}, ("up", "up", None)),
        ({"model": 7, "messages": []}, {}, ("", "", None)),
        (b'{"model": "up"', {}, ("", "", None)),
    ],
)
async def test_the_row_of_a_refused_body_has_the_model_that_it_named(
    tmp_path: Path, body: Any, headers: dict[str, str], named: tuple[str, str, str | None]
) -> None:
    async with started(tmp_path) as runtime:
        client = await Client(body, headers=headers).ask(runtime)
        row = json.loads(journal(tmp_path).split(b" ", 1)[1])
    assert (client.status, row["status"]) == (400, 400)
    assert (row["requested_model"], row["model"], row["user"]) == named


async def test_a_row_that_goes_to_the_disk_is_waited_for_also_when_a_call_is_refused(tmp_path: Path) -> None:
    """What the journal gives to wait for is waited for: nothing is sent until it says that the row is safe."""
    async with started(tmp_path) as runtime:
        said: list[str] = []

        class Slow:
            def __await__(self) -> Any:
                said.append("safe")
                yield from ()

        runtime.opened.journal.append = lambda record: Slow()  # type: ignore[method-assign]
        await Client(b"{", on_send=lambda client, message: said.append("sent")).ask(runtime)
    assert said == ["safe", "sent", "sent"]


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("no-key-of-anybody-at-all", 401, "invalid_api_key"),
        (ADMIN, 403, "organization_key_required"),
        (VIEWER, 403, "role_required"),
    ],
    ids=["unknown", "admin", "viewer"],
)
async def test_who_is_not_let_in_makes_no_call(tmp_path: Path, key: str, status: int, code: str) -> None:
    async with started(tmp_path) as runtime:
        client = await Client(headers={"authorization": f"Bearer {key}"}).ask(runtime)
        assert (client.status, client.json["error"]["code"]) == (status, code)
        assert journal(tmp_path) == b""


async def test_a_call_too_many_is_refused_before_its_body_is_read(tmp_path: Path) -> None:
    async with started(tmp_path, MORE_KEYS.replace("gateway:\n", "gateway:\n  limits: {in_flight: 1}\n")) as runtime:
        second = Client()

        async def another(client: Client, message: Message) -> None:
            if message["type"] == "http.response.start":
                await second.ask(runtime)

        first = await Client(on_send=another).ask(runtime)
        assert (first.status, second.status, second.json["error"]["code"]) == (200, 503, "overloaded")
        assert second.headers["retry-after"] == "1"
        assert journal(tmp_path).count(b'"status":') == 1


async def test_a_dry_run_leaves_no_row_whatever_becomes_of_it(tmp_path: Path) -> None:
    async with started(tmp_path) as runtime:
        for body, status in ((CHAT, 200), (b"{", 400), ({"model": "nobodys", "messages": []}, 404)):
            client = await Client(body, headers={"x-cognitude-dry-run": "1"}).ask(runtime)
            assert client.status == status
        assert journal(tmp_path) == b""


async def test_the_row_of_a_refusal_names_the_caller_and_the_code(tmp_path: Path) -> None:
    async with started(tmp_path) as runtime:
        client = await Client(b"[]", headers={"authorization": f"Bearer {KEY}"}).ask(runtime, "embeddings")
        line = journal(tmp_path)
    assert client.status == 400
    for part in (b'"organization":"acme"', b'"key":"test"', b'"api":"embeddings"', b'"error":"invalid_json"'):
        assert part in line
