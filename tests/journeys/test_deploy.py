"""What ``deploy`` has: a Redis server that never forgets a counter, and one that drops answers when it is full."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import redis

from cognitude_plugins.gateway.redis_binary import redis_binary
from cognitude_plugins.gateway.runtime import build
from tests.journeys.wire import CHAT
from tests.processes import free_port, gateway
from tests.redis_servers import wait_until

FOLDER: Final = Path(__file__).parents[2] / "deploy"
PAGE: Final = "README.md"
_MB: Final = 1024 * 1024


@contextmanager
def server(name: str, folder: Path, port: int, *changes: str) -> Iterator[redis.Redis]:
    command = [str(redis_binary()), str(FOLDER / name), "--port", str(port), "--dir", str(folder), *changes]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)
    try:
        wait_until(lambda: answers(client), f"{name} does not answer")
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(10)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_the_page_says_what_there_is() -> None:
    text = (FOLDER / PAGE).read_text()
    named = set(re.findall(r"\]\(([\w.-]+)\)", text))
    assert named == {path.name for path in FOLDER.iterdir()} - {PAGE}
    [block] = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    for word in re.findall(r"deploy/([\w.-]+)", block):
        assert (FOLDER / word).is_file()


def test_the_servers_have_256_mb_and_only_that_of_the_answers_evicts(tmp_path: Path) -> None:
    found = {}
    for name in ("redis-counters.conf", "redis-answers.conf"):
        with server(name, tmp_path, free_port()) as client:
            settings = client.config_get("maxmemory*")
            found[name] = (int(settings["maxmemory"]) // _MB, settings["maxmemory-policy"])
            assert client.config_get("save")["save"] == ""
    assert found == {"redis-counters.conf": (256, "noeviction"), "redis-answers.conf": (256, "allkeys-lfu")}


def test_the_configuration_has_no_problems() -> None:
    text = (FOLDER / "plugins.yaml").read_text()
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)", text), "a-secret-0123456789abcdef")
    assert [one.name for one in build(FOLDER / "plugins.yaml", variables).loaded] == ["limiter", "redis_cache"]


def test_a_full_cache_takes_no_counter_away(tmp_path: Path) -> None:
    ports = {6379: free_port(), 6380: free_port()}
    text = (FOLDER / "plugins.yaml").read_text()
    text = re.sub(r"127\.0\.0\.1:(6379|6380)", lambda found: f"127.0.0.1:{ports[int(found[1])]}", text)
    text = re.sub(r"  database: .*\n", "", text)
    text = re.sub(r"provider: .*\n.*api_key: .*\n", "provider: simulated/echo\n", text)
    text = text.replace("- use: limiter\n", "- use: limiter\n    config: {limits: [{scope: organization, "
                        "unit: requests, per: day, limit: 60}]}\n")  # fmt: skip
    text = text.replace("- use: redis_cache\n", "- use: redis_cache\n    config: {memory_bytes: 0, sql: false}\n")
    with (
        server("redis-counters.conf", tmp_path, ports[6379]) as counters,
        server("redis-answers.conf", tmp_path, ports[6380], "--maxmemory", "4mb") as kept,
        gateway(text, tmp_path) as running,
        running.client() as client,
    ):
        noise = iter(range(10**9))
        for number in range(60):
            question = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Question {number}"}]}
            answer = client.post(CHAT, json=question)
            assert (answer.status_code, answer.headers["x-cognitude-cache"]) == (200, "miss")
            for _ in range(20):
                kept.set(f"noise:{next(noise)}", "x" * 5000)
        assert kept.info()["evicted_keys"] > 0
        assert counters.info()["evicted_keys"] == 0
        assert client.post(CHAT, json=question).status_code == 429
        assert not list(kept.scan_iter("cognitude:limiter*"))
        assert not list(counters.scan_iter("cognitude:cache*"))
