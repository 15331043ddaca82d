"""The configuration is changed while calls are being served: nobody fails, and a bad file changes nothing."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT, HELLO
from tests.processes import ADMIN_KEY, KEY, Running, gateway

ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}
MARK = """
from __future__ import annotations
import os
from contextlib import asynccontextmanager
from pathlib import Path
from pydantic import BaseModel, ConfigDict, Field
from hooks import hookimpl

LIVES = Path(__file__).with_name("lives.txt")


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid")
    generation: int = Field(description="Which configuration this is.")


def note(word, generation):
    with LIVES.open("a") as book:
        book.write(f"{word} {generation} {os.getpid()}\\n")


class Mark:
    def __init__(self, config: Config) -> None:
        self.generation = config.generation

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway):
        note("enter", self.generation)
        try:
            yield
        finally:
            note("leave", self.generation)

    @hookimpl
    async def pre_request(self, call):
        assert ("leave", self.generation) not in lives()
        return call.set(messages=[{"role": "user", "content": f"generation {self.generation} " + "and on " * 20}])


def lives():
    return {tuple(line.split()[:2]) for line in LIVES.read_text().splitlines()}


Mark.Config = Config
"""
CONFIG = """
gateway:
  drain: {{announce_seconds: 0}}
models:
  - {{name: sim, provider: simulated/echo, options: {{chunk_ms: {pace}}}}}
pipeline:
  - {{use: "./mark.py:Mark", on_error: reject, config: {{generation: {generation}}}}}
"""
INVALID = CONFIG.replace("generation:", "generatoin:")


def config(generation: int, *, pace: int = 0, template: str = CONFIG) -> str:
    return template.format(generation=generation, pace=pace)


def write(folder: Path, text: str) -> None:
    """Replace the file in one step, as an editor or a config map does."""
    fresh = folder / "fresh.yaml"
    fresh.write_text(text)
    fresh.replace(folder / "plugins.yaml")


def lives(folder: Path) -> list[str]:
    path = folder / "lives.txt"
    return path.read_text().splitlines() if path.exists() else []


def client_of(one: Running) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.AsyncClient(base_url=one.url, headers=headers, timeout=20, trust_env=False)


async def load(one: Running, until: asyncio.Event, tally: Counter[str], stream: bool) -> None:
    async with client_of(one) as client:
        while not until.is_set():
            answer = await client.post(CHAT, json={**HELLO, "stream": stream})
            whole = answer.text.endswith("data: [DONE]\n\n") if stream else "generation" in answer.text
            good = answer.status_code == 200 and whole and '"error"' not in answer.text
            tally["good" if good else answer.text] += 1


@pytest.mark.parametrize(
    "reloads", [60, *(pytest.param(many, marks=[pytest.mark.soak, pytest.mark.timeout(900)]) for many in (200, 2000))]
)
async def test_reloads_under_load_fail_nobody_and_the_invalid_ones_are_refused(tmp_path: Path, reloads: int) -> None:
    (tmp_path / "mark.py").write_text(MARK)
    with gateway(config(0), tmp_path) as one:
        done, tally = asyncio.Event(), Counter[str]()
        workers = [asyncio.create_task(load(one, done, tally, stream=index % 2 == 1)) for index in range(6)]
        async with client_of(one) as client:
            memory = 0
            for turn in range(1, reloads + 1):
                if turn == reloads // 4:
                    memory = psutil.Process(one.process.pid).memory_info().rss
                if turn % 10 == 0:
                    await refused_reload(one, client, tmp_path, turn)
                elif turn % 2:
                    write(tmp_path, config(turn))
                    answer = await client.post("/admin/reload", headers=ADMIN)
                    assert answer.status_code == 200, answer.text
                    assert answer.json() == {"status": "reloaded", "models": 1, "plugins": 1}
                    assert await generation(client) == turn
                else:
                    write(tmp_path, config(turn))
                    one.process.send_signal(signal.SIGHUP)
                    await asyncio.to_thread(seen, one, tmp_path, turn)
        done.set()
        await asyncio.gather(*workers)
        assert tally.keys() == {"good"}, tally.most_common(3)
        assert tally["good"] > reloads
        assert psutil.Process(one.process.pid).memory_info().rss - memory < 30 * 1024 * 1024
        assert one.stop() == 0
        assert "Traceback" not in one.text()
    entered = [line.split()[1] for line in lives(tmp_path) if line.startswith("enter")]
    left = [line.split()[1] for line in lives(tmp_path) if line.startswith("leave")]
    valid = [str(turn) for turn in range(reloads + 1) if turn == 0 or turn % 10]
    assert entered == valid
    assert Counter(left) == Counter(entered)


async def refused_reload(one: Running, client: httpx.AsyncClient, folder: Path, turn: int) -> None:
    write(folder, config(turn, template=INVALID))
    if turn % 20:
        answer = await client.post("/admin/reload", headers=ADMIN)
        assert answer.status_code == 422
        problems = answer.json()["problems"]
        assert {problem["line"] for problem in problems} == {7}
        assert "generation" in {problem["nearest"] for problem in problems}
        assert "plugins.yaml:7" in answer.json()["error"]["message"]
    else:
        before = one.text().count("reload refused")
        one.process.send_signal(signal.SIGHUP)
        assert await asyncio.to_thread(eventually, lambda: one.text().count("reload refused") > before)
        assert "plugins.yaml:7" in one.text().rsplit("reload refused", 1)[1]
    assert await generation(client) == turn - 1


def seen(one: Running, folder: Path, turn: int) -> None:
    assert eventually(lambda: f"enter {turn} {one.process.pid}" in lives(folder))
    with one.client() as client:
        assert eventually(lambda: f"generation {turn} " in client.post(CHAT, json=HELLO).text)


async def generation(client: httpx.AsyncClient) -> int:
    answer = await client.post(CHAT, json=HELLO)
    return int(answer.json()["choices"][0]["message"]["content"].split()[1])


async def test_a_stream_in_flight_finishes_on_the_configuration_it_began_with(tmp_path: Path) -> None:
    (tmp_path / "mark.py").write_text(MARK)
    with gateway(config(1, pace=30), tmp_path) as one:
        async with client_of(one) as client:
            async with client.stream("POST", CHAT, json={**HELLO, "stream": True}) as answer:
                lines = answer.aiter_lines()
                await anext(lines)
                write(tmp_path, config(2))
                assert (await client.post("/admin/reload", headers=ADMIN)).status_code == 200
                assert await generation(client) == 2
                assert not any(line.startswith("leave 1 ") for line in lives(tmp_path))
                text = "".join([_text(line) async for line in lines])
            assert text.startswith("generation 1 ")
            assert text.endswith("and on ")
            assert await asyncio.to_thread(
                eventually, lambda: any(line.startswith("leave 1 ") for line in lives(tmp_path))
            )


def _text(line: str) -> str:
    if not line.startswith("data: {"):
        return ""
    return json.loads(line[6:])["choices"][0]["delta"].get("content") or ""


async def test_a_plugin_that_cannot_start_leaves_the_old_configuration_in_force(tmp_path: Path) -> None:
    (tmp_path / "mark.py").write_text(MARK)
    (tmp_path / "late.py").write_text(
        "from contextlib import asynccontextmanager\nfrom hooks import hookimpl\n\n\n@hookimpl\n@asynccontextmanager\n"
        "async def lifespan(gateway):\n    raise ConnectionError('no database')\n    yield\n"
    )
    with gateway(config(1), tmp_path) as one:
        async with client_of(one) as client:
            write(tmp_path, config(2) + "  - {use: ./late.py}\n")
            answer = await client.post("/admin/reload", headers=ADMIN)
            assert answer.status_code == 422
            assert "late" in answer.json()["error"]["message"]
            assert "no database" in answer.json()["error"]["message"]
            assert await generation(client) == 1
        assert [line.split()[:2] for line in lives(tmp_path)] == [["enter", "1"], ["enter", "2"], ["leave", "2"]]
        assert "Traceback" not in one.text()


@pytest.mark.parametrize("broken", ["models: [", "\x00", "- a list", "gateway: {listne: {}}", None])
async def test_a_file_that_is_no_configuration_at_all_is_refused(tmp_path: Path, broken: str | None) -> None:
    (tmp_path / "mark.py").write_text(MARK)
    with gateway(config(1), tmp_path) as one:
        async with client_of(one) as client:
            if broken is None:
                (tmp_path / "plugins.yaml").unlink()
            else:
                write(tmp_path, broken)
            answer = await client.post("/admin/reload", headers=ADMIN)
            assert answer.status_code == 422, answer.text
            assert answer.json()["error"]["code"] == "invalid_configuration"
            assert await generation(client) == 1


async def test_a_new_key_is_good_and_an_old_one_is_not_after_a_reload(tmp_path: Path) -> None:
    (tmp_path / "mark.py").write_text(MARK)
    key = "gateway:\n  keys:\n    - {{id: k, secret: {secret}, organization: acme}}"

    def keyed(secret: str) -> str:
        return config(1).replace("gateway:", key.format(secret=secret))

    with gateway(keyed("old-key-0123456789abcdef"), tmp_path) as one:
        async with client_of(one) as client:

            async def status(secret: str) -> int:
                headers = {"authorization": f"Bearer {secret}"}
                return (await client.post(CHAT, json=HELLO, headers=headers)).status_code

            assert await status("old-key-0123456789abcdef") == 200
            assert await status("new-key-0123456789abcdef") == 401
            write(tmp_path, keyed("new-key-0123456789abcdef"))
            assert (await client.post("/admin/reload", headers=ADMIN)).status_code == 200
            assert await status("old-key-0123456789abcdef") == 401
            assert await status("new-key-0123456789abcdef") == 200


@pytest.mark.parametrize("how", ["the signal", "the endpoint"])
async def test_a_reload_reaches_every_worker(tmp_path: Path, how: str) -> None:
    (tmp_path / "mark.py").write_text(MARK)
    with gateway(config(1), tmp_path, "--workers", "2") as one:
        assert await asyncio.to_thread(eventually, lambda: len(lives(tmp_path)) == 2, 20)
        write(tmp_path, config(2))
        if how == "the signal":
            one.process.send_signal(signal.SIGHUP)
        else:
            async with client_of(one) as client:
                assert (await client.post("/admin/reload", headers=ADMIN)).status_code == 200
        pids = {line.split()[2] for line in lives(tmp_path)}
        assert len(pids) == 2

        def reached() -> bool:
            return {line.split()[2] for line in lives(tmp_path) if line.startswith("enter 2 ")} == pids

        assert await asyncio.to_thread(eventually, reached)
        began = time.monotonic()
        assert await asyncio.to_thread(one.stop) == 0
        assert time.monotonic() - began < 8
    entered: Any = Counter(line.split(" ", 1)[1] for line in lives(tmp_path) if line.startswith("enter"))
    left: Any = Counter(line.split(" ", 1)[1] for line in lives(tmp_path) if line.startswith("leave"))
    assert entered == left
