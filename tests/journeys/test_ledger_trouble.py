"""The ledger when something is in its way: no row is lost that could be kept, and what is lost is said."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sqlite3
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import psutil
import pytest

from cognitude_plugins.gateway.ledger.row import Row
from tests.databases import Postgres
from tests.journeys.book import BOOK, booked
from tests.journeys.ledger_place import EVENTS, REPORTED, completed
from tests.journeys.recorder import answer, recording, stream
from tests.journeys.rows import connection, exported
from tests.journeys.test_middleware import CONFIG as SHOP_CONFIG
from tests.journeys.test_middleware import NO_KEY, POLITE, SHOP
from tests.journeys.traffic import PRICE, Traffic
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT, HELLO
from tests.processes import ADMIN_KEY, CLI, KEY, Running, free_port, gateway, simulated

SIM = f"models:\n  - {{name: sim, provider: simulated/echo, price: {PRICE}, options: {{latency_ms: 1}}}}\n"
DRAIN = "drain: {announce_seconds: 0, finish_seconds: 5}"


def config(gateway: str = "", services: str = "", more: str = "") -> str:
    return f"gateway: {{{DRAIN}, {gateway}}}\n{services}\n{SIM}{more}"


def on(url: str, **options: Any) -> str:
    return "services: " + json.dumps({"database": {"url": url, **options}})


def ledger(one: Running) -> dict[str, Any]:
    with one.client() as client:
        found: dict[str, Any] = client.get("/health").json()["ledger"]
    return found


async def served(one: Running, requests: int, seed: int = 0) -> Traffic:
    traffic = Traffic(url=one.url, model="sim", requests=requests, seed=seed, clients=16)
    await traffic.run()
    return traffic


def ids(*traffic: Traffic) -> set[str | None]:
    return {seen.id for one in traffic for seen in one.seen if seen.whole}


async def test_a_full_journal_refuses_calls_and_recovers_by_itself(tmp_path: Path, postgres: Postgres) -> None:
    settings = "ledger: {journal_bytes: 1048576, on_full: reject}"
    with postgres.fresh() as url:
        with gateway(config(settings, on(url)), tmp_path) as one, one.client() as client:
            postgres.kill()
            during = await served(one, 2500)
            statuses = {seen.status for seen in during.seen}
            assert statuses == {200, 503}
            assert during.failed == []
            refused = client.post(CHAT, json={**HELLO})
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "ledger_full")
            assert refused.headers["retry-after"] == "5"
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["status"]) == (503, "down")
            assert client.get("/livez").status_code == 200
            postgres.start()
            assert await asyncio.to_thread(eventually, lambda: client.get("/readyz").json()["status"] == "ok", 10)
            after = await served(one, 50, seed=1)
            assert {seen.status for seen in after.seen} == {200}
            assert ledger(one)["lost_rows"] == 0
            assert one.stop() == 0, one.text()
        rows = exported(tmp_path)
        assert {row["id"] for row in rows} == ids(during, after)
        assert len(rows) == len(ids(during, after))


async def test_a_full_journal_that_drops_rows_goes_on_and_counts_them(tmp_path: Path, postgres: Postgres) -> None:
    settings = "ledger: {journal_bytes: 1048576}"
    with postgres.fresh() as url:
        with gateway(config(settings, on(url)), tmp_path) as one, one.client() as client:
            postgres.kill()
            during = await served(one, 2500)
            assert {seen.status for seen in during.seen} == {200}
            status = ledger(one)
            assert status["lost_rows"] > 0
            assert status["waiting_bytes"] <= 1048576
            assert client.get("/readyz").status_code == 200
            postgres.start()
            assert await asyncio.to_thread(eventually, lambda: ledger(one)["lag_seconds"] == 0, 10)
            lost = ledger(one)["lost_rows"]
            assert one.stop() == 0, one.text()
        rows = {row["id"] for row in exported(tmp_path)}
        assert rows <= ids(during)
        assert len(rows) + lost >= 2500, "rows that reach the database while they are given up count as both"
        assert len(rows) + lost <= 2500 + 300


async def test_what_waits_when_the_database_is_gone_at_the_end_is_there_at_the_next_start(
    tmp_path: Path, postgres: Postgres
) -> None:
    with postgres.fresh() as url:
        with gateway(config("", on(url)), tmp_path) as one:
            before = await served(one, 50)
            postgres.kill()
            during = await served(one, 300, seed=1)
            began = time.monotonic()
            assert await asyncio.to_thread(one.stop, timeout=40) == 0, one.text()
            assert time.monotonic() - began < 20
        postgres.start()
        with gateway(config("", on(url)), tmp_path) as again:
            after = await served(again, 20, seed=2)
            assert again.stop() == 0
        rows = exported(tmp_path)
        assert {row["id"] for row in rows} == ids(before, during, after)
        assert len(rows) == 370


@pytest.mark.parametrize("command", ["serve", "check"])
def test_a_database_that_is_gone_at_the_start_is_named(tmp_path: Path, command: str) -> None:
    url = f"postgresql://nobody:topsecretword@127.0.0.1:{free_port()}/none"
    (tmp_path / "plugins.yaml").write_text(config("", on(url)))
    words = [*CLI, command, "--config", "plugins.yaml", *(["--port", str(free_port())] if command == "serve" else [])]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
                          env={**os.environ, "COGNITUDE_BOOTSTRAP_KEY": KEY})  # fmt: skip
    said = done.stdout + done.stderr
    assert "topsecretword" not in said
    assert "Traceback" not in said
    if command == "serve":
        assert done.returncode not in (0, -signal.SIGKILL)
        assert "database" in said
    else:
        assert done.returncode == 0, said


async def test_a_database_file_that_cannot_grow_is_degraded_and_catches_up(tmp_path: Path) -> None:
    with gateway(config(), tmp_path) as one, one.client() as client:
        before = await served(one, 20)
        assert eventually(lambda: ledger(one)["lag_seconds"] == 0)
        database = tmp_path / ".cognitude" / "cognitude.db"
        largest = max(path.stat().st_size for path in database.parent.glob("cognitude.db*"))
        _, hard = resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (largest, hard))
        during = await served(one, 1500, seed=1)
        assert {seen.status for seen in during.seen} == {200}
        assert eventually(lambda: ledger(one)["status"] == "degraded")
        assert client.get("/readyz").status_code == 200
        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert await asyncio.to_thread(eventually, lambda: ledger(one)["lag_seconds"] == 0, 10)
        assert eventually(lambda: ledger(one)["status"] == "ok")
        assert one.stop() == 0, one.text()
    assert {row["id"] for row in exported(tmp_path)} == ids(before, during)


def writer_of(folder: Path) -> int | None:
    """The process that holds the writer's lock, by the kernel's own list."""
    lock = folder / ".cognitude" / "journal" / "writer.lock"
    inode = str(lock.stat().st_ino) if lock.exists() else ""
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if words[1] == "FLOCK" and words[-3].endswith(":" + inode):
            return int(words[4])
    return None


async def test_of_two_workers_one_writes_and_the_other_takes_over(tmp_path: Path) -> None:
    with gateway(config(), tmp_path, "--workers", "2") as one:
        before = await served(one, 200)
        workers = {child.pid for child in psutil.Process(one.process.pid).children() if len(child.cmdline()) > 2}
        assert eventually(lambda: writer_of(tmp_path) in workers)
        with closing(connection(tmp_path)) as rows:
            assert eventually(lambda: count(rows) == 200), "what both have served is written by one"
            os.kill(writer_of(tmp_path) or 0, signal.SIGKILL)
            killed = time.monotonic()
            during = Traffic(url=one.url, model="sim", requests=100, seed=1, clients=4, retries=50)
            await during.run()
            enough = 200 + len(ids(during))
            assert eventually(lambda: count(rows) >= enough, 5)
            assert time.monotonic() - killed < 8
        assert one.stop() == 0, one.text()
    found = [row["id"] for row in exported(tmp_path)]
    assert len(found) == len(set(found))
    assert ids(before, during) <= set(found)


def count(rows: Any) -> int:
    found: int = rows.execute("SELECT count(*) AS calls FROM ledger_call").fetchone()["calls"]
    return found


def line_of(record: dict[str, Any] | bytes) -> bytes:
    raw = record if isinstance(record, bytes) else json.dumps(record).encode()
    return b"%08x %b\n" % (zlib.crc32(raw), raw)


def test_what_another_version_and_a_crash_have_left_is_read(tmp_path: Path) -> None:
    now = int(time.time() * 1000)
    made = Row(
        **dict.fromkeys(("organization", "key", "api", "requested_model", "model", "provider", "source"), "x"),
        **dict.fromkeys(("latency_us", "overhead_us", "attempts"), 1),
        id="req_a",
        time_ms=now,
        status=200,
        stream=False,
        complete=True,
    )
    row = {name: value for name, value in json.loads(made.encode()).items() if name != "saved_nano_usd"}
    newer = {**row, "id": "req_b", "energy_joule": 5, "tags": {"a": "1"}, "cost_nano_usd": 7}
    lines = [
        line_of(row),
        line_of(newer),
        line_of(row),
        b"00000000 {}\n",
        line_of({"id": "req_c"}),
        line_of(b"[1]"),
        line_of(b"\xff\xfe"),
        line_of({**row, "id": "req_d"})[:-40],
    ]
    journal = tmp_path / ".cognitude" / "journal"
    journal.mkdir(parents=True)
    (journal / f"{now * 1000 - 10**9:016d}-0123456789abcdef.journal").write_bytes(b"".join(lines))
    with gateway(config(), tmp_path) as one:
        with closing(connection(tmp_path)) as rows:
            assert eventually(lambda: count(rows) == 2)
        assert one.stop() == 0, one.text()
    found = {row["id"]: row for row in exported(tmp_path)}
    assert set(found) == {"req_a", "req_b"}
    assert (found["req_a"]["cost_nano_usd"], found["req_b"]["cost_nano_usd"], found["req_b"]["tags"]) == (
        None,
        7,
        {"a": "1"},
    )
    assert not list(journal.glob("*-0123456789abcdef.journal")), "it is read and gone"
    assert b"req_c" in b"".join(path.read_bytes() for path in (journal / "corrupt").iterdir())


@pytest.mark.parametrize("reloads", [24, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
async def test_reloads_under_load_lose_no_row_also_when_the_ledger_changes(tmp_path: Path, reloads: int) -> None:
    """Every second time the journal itself is another one, in the same folder."""
    with gateway(config(), tmp_path) as one:
        traffic = Traffic(url=one.url, model="sim", requests=reloads * 60, clients=12)
        load = asyncio.create_task(traffic.run())
        async with aiohttp.ClientSession(trust_env=False, headers={"authorization": f"Bearer {ADMIN_KEY}"}) as session:
            for turn in range(reloads):
                text = config(f"ledger: {{journal_bytes: {2**28 + turn // 2}}}")
                (tmp_path / "fresh.yaml").write_text(text)
                (tmp_path / "fresh.yaml").replace(tmp_path / "plugins.yaml")
                async with session.post(one.url + "/admin/reload") as reloaded:
                    assert reloaded.status == 200, await reloaded.text()
        await load
        assert traffic.failed == []
        assert await asyncio.to_thread(one.stop, timeout=40) == 0, one.text()
        assert "Traceback" not in one.text()
    assert {seen.status for seen in traffic.seen} == {200}
    found = [row["id"] for row in exported(tmp_path)]
    assert len(found) == len(set(found))
    assert set(found) ^ ids(traffic) == set()
    assert len(found) == reloads * 60


async def test_rows_on_the_disk_before_the_answer_ends(tmp_path: Path) -> None:
    with gateway(config("ledger: {durability: disk}"), tmp_path) as one:
        traffic = await served(one, 600)
        async with httpx.AsyncClient(base_url=one.url, trust_env=False) as client:
            bad = await client.post(CHAT, content=b"{", headers={"authorization": f"Bearer {KEY}"})
        one.process.kill()
        one.process.wait()
    assert traffic.failed == []
    with gateway(config(), tmp_path) as again:
        assert again.stop() == 0
    assert {row["id"] for row in exported(tmp_path)} == {*ids(traffic), bad.headers["x-request-id"]}


def test_the_middleware_leaves_rows_too(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "polite.py").write_text(POLITE)
    with gateway(SHOP_CONFIG, tmp_path, command="wrap shop:app", env=NO_KEY) as one:
        said = {}
        for key, body in (
            ("anna", {"model": "any"}),
            ("anna", {"model": "any", "stream": True}),
            ("otto", {"model": "forbidden"}),
            ("wrong", {"model": "any"}),
            ("otto", {"model": "any", "messages": 5}),
        ):
            with one.client(key=key) as client:
                answer = client.post(CHAT, json={**HELLO, **body})
            said[answer.headers["x-request-id"]] = (answer.status_code, body.get("stream", False), key)
        assert one.stop() == 0, one.text()
    rows = {row["id"]: row for row in exported(tmp_path)}
    assert set(rows) == set(said)
    organizations: dict[str, set[str]] = {}
    for id, (status, streamed, key) in said.items():
        assert (rows[id]["status"], rows[id]["stream"]) == (status, streamed)
        organizations.setdefault(key, set()).add(rows[id]["organization"])
        assert key not in json.dumps(rows[id]).replace("forbidden", "")
    assert [len(found) for found in organizations.values()] == [1, 1, 1]
    assert len(set.union(*organizations.values())) == 3
    sources = sorted(row["source"] for row in rows.values())
    assert sources == ["error", "polite", "provider", "provider", "provider"]


LAYERS = """
from contextlib import aclosing
from hooks import hookimpl

async def slowly(chunks):
    async with aclosing(chunks):
        async for chunk in chunks:
            yield chunk

@hookimpl
async def post_response(reply):
    reply = reply.map(lambda event: {**event, "mapped": True})
    return reply.through(slowly) if reply.streamed else reply
"""


@pytest.fixture
def drained(tmp_path: Path) -> Iterator[tuple[Running, Path]]:
    (tmp_path / "book.py").write_text(BOOK)
    (tmp_path / "layers.py").write_text(LAYERS)

    def said(received: Any) -> bytes:
        if received.json.get("stream"):
            return stream(*EVENTS, REPORTED)
        time.sleep(0.4)
        return answer(200, completed())

    with recording(said) as upstream:
        model = f'name: up, provider: openai/echo, base_url: "{upstream.url}/v1", api_key: sk-x, price: {PRICE}'
        models = f"  - {{{model}}}\npipeline: [{{use: ./book.py}}, {{use: ./layers.py}}]\n"
        with gateway(config("on_disconnect: drain", "", models), tmp_path) as one:
            yield one, tmp_path


async def test_a_whole_answer_without_a_reader_is_read_and_paid_for(drained: tuple[Running, Path]) -> None:
    one, folder = drained
    async with aiohttp.ClientSession(trust_env=False, headers={"authorization": f"Bearer {KEY}"}) as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.15), session.post(one.url + CHAT, json={**HELLO, "model": "up"}):
                pass
    assert eventually(lambda: booked(folder) != [])
    (line,) = booked(folder)
    assert one.stop() == 0
    (row,) = exported(folder)
    assert (row["status"], row["complete"], row["error"], row["source"]) == (
        200,
        False,
        "client_disconnect",
        "provider",
    )
    assert (row["prompt_tokens"], row["cost_nano_usd"], row["usage_reported"]) == (10, 20_000, True)
    assert (line["complete"], line["error"], line["drained"], line["usage"]) == (False, "client_disconnect", True, 5)


async def test_a_stream_with_layers_and_without_a_reader_is_read_and_paid_for(
    drained: tuple[Running, Path], slow_words: str
) -> None:
    one, folder = drained
    text = (folder / "plugins.yaml").read_text()
    (folder / "plugins.yaml").write_text(text.replace(text.split('base_url: "')[1].split("/v1")[0], slow_words))
    with one.client(key=ADMIN_KEY) as admin:
        assert admin.post("/admin/reload").status_code == 200
    async with aiohttp.ClientSession(trust_env=False, headers={"authorization": f"Bearer {KEY}"}) as session:
        body = {"model": "up", "messages": [{"role": "user", "content": "word " * 30}], "stream": True}
        async with session.post(one.url + CHAT, json=body) as answer:
            async for got in answer.content:
                if b"content" in got:
                    assert b"mapped" in got
                    break
            answer.close()
    assert eventually(lambda: booked(folder) != [])
    (line,) = booked(folder)
    assert one.stop() == 0
    (row,) = exported(folder)
    assert (row["status"], row["complete"], row["error"]) == (200, False, "client_disconnect")
    assert row["usage_reported"] is True
    assert row["completion_tokens"] >= 30
    assert (line["drained"], line["usage"]) == (True, row["completion_tokens"])


@pytest.fixture
def slow_words(tmp_path: Path) -> Iterator[str]:
    with simulated(tmp_path, "--chunk-ms", "10") as one:
        yield one.url


def test_a_table_that_is_missing_is_degraded_not_forgotten(tmp_path: Path) -> None:
    """Whoever drops a table by mistake finds the rows in the journal, and no process whose writer has died."""
    with gateway(config(), tmp_path) as one, one.client() as client:
        assert client.post(CHAT, json={**HELLO}).status_code == 200
        assert eventually(lambda: ledger(one)["lag_seconds"] == 0)
        with closing(sqlite3.connect(tmp_path / ".cognitude" / "cognitude.db")) as database:
            for table in ("ledger_minute", "provider_credential"):
                database.execute(f"ALTER TABLE {table} RENAME TO elsewhere_{table}")
        assert client.post(CHAT, json={**HELLO}).status_code == 200
        assert eventually(lambda: ledger(one)["status"] == "degraded")
        assert client.get("/readyz").status_code == 200
        with closing(sqlite3.connect(tmp_path / ".cognitude" / "cognitude.db")) as database:
            for table in ("ledger_minute", "provider_credential"):
                database.execute(f"ALTER TABLE elsewhere_{table} RENAME TO {table}")
        assert eventually(lambda: ledger(one)["status"] == "ok", 10)
        assert one.stop() == 0, one.text()
    assert len(exported(tmp_path)) == 2
