"""A newcomer serves the committed plugins.yaml and calls it with the client he already has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.journeys import client_tour
from tests.processes import KEY, Running, free_port, gateway

ROOT = Path(__file__).parents[2]
OPENAI3 = ROOT / ".venv" / "openai3"
USER_KEY = "user-key-0123456789abcdef"
FAULTY = """
gateway:
  keys:
    - {{id: user, secret: {user_key}, organization: acme}}
models:
  - {{name: full, provider: simulated/echo, options: {{faults: context_length}}}}
  - {{name: limited, provider: simulated/echo, options: {{faults: "429=7"}}, breaker: {{enabled: false}}}}
  - {{name: broken, provider: simulated/echo, options: {{faults: "500"}}}}
  - {{name: closed, provider: simulated/echo, options: {{faults: "503"}}}}
  - {{name: slow, provider: simulated/echo, options: {{latency_ms: 3000}}}}
  - {{name: breaks, provider: simulated/echo, options: {{faults: reset@3}}}}
  - {{name: once-2, provider: simulated/echo, options: {{faults: 429=1x1, seed: 2}}}}
  - {{name: once-3, provider: simulated/echo, options: {{faults: 429=1x1, seed: 3}}}}
  - {{name: nobody, provider: openai/gpt-4o-mini, base_url: "http://127.0.0.1:{port}/v1", api_key: sk-none}}
"""


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway((ROOT / "plugins.yaml").read_text(), tmp_path_factory.mktemp("committed")) as one:
        yield one
        assert one.stop() == 0
        assert "Traceback" not in one.text()


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    config = FAULTY.format(user_key=USER_KEY, port=free_port())
    with gateway(config, tmp_path_factory.mktemp("faulty")) as one:
        yield one


def tour(committed: Running, faulty: Running, path: Path | None) -> dict[str, Any]:
    arguments = [sys.executable, client_tour.__file__, committed.url, faulty.url, KEY, USER_KEY]
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    if path is not None:
        env["PYTHONPATH"] = str(path)
    done = subprocess.run(arguments, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def tours(committed: Running, faulty: Running) -> list[dict[str, Any]]:
    """With both major versions, at the same time: most of a tour is waiting."""
    assert OPENAI3.is_dir(), f"{OPENAI3} is missing; `make .venv/openai3.installed` makes it"
    with ThreadPoolExecutor(2) as both:
        return list(both.map(partial(tour, committed, faulty), (None, OPENAI3)))


@pytest.fixture(scope="module")
def with_2(tours: list[dict[str, Any]]) -> dict[str, Any]:
    return tours[0]


@pytest.fixture(scope="module")
def with_3(tours: list[dict[str, Any]]) -> dict[str, Any]:
    return tours[1]


def test_both_major_versions_of_the_client_are_really_used(with_2: dict[str, Any], with_3: dict[str, Any]) -> None:
    assert with_2["version"].startswith("2.")
    assert with_3["version"].startswith("3.")


@pytest.mark.parametrize("name", client_tour.CASES)
def test_with_the_openai_client_2(with_2: dict[str, Any], name: str) -> None:
    assert with_2["results"][name] is None, with_2["results"][name]


@pytest.mark.parametrize("name", client_tour.CASES)
def test_with_the_openai_client_3(with_3: dict[str, Any], name: str) -> None:
    assert with_3["results"][name] is None, with_3["results"][name]


def curl(url: str, *arguments: str) -> str:
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", url, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout


def asked(stream: bool = False) -> list[str]:
    body = {"model": "sim", "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
    key = ["-H", f"Authorization: Bearer {KEY}", "-H", "Content-Type: application/json"]
    return [*key, "-d", json.dumps(body)]


def test_curl_gets_an_answer(committed: Running) -> None:
    answer = json.loads(curl(f"{committed.url}/v1/chat/completions", *asked()))
    assert answer["choices"][0]["message"]["content"] == "Hello"


def test_curl_follows_a_stream(committed: Running) -> None:
    lines = curl(f"{committed.url}/v1/chat/completions", "--no-buffer", *asked(stream=True)).split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in events) == "Hello"


def test_curl_without_a_key_is_told_how_to_send_one(committed: Running) -> None:
    said = curl(f"{committed.url}/v1/chat/completions", "--include", "-H", "Content-Type: application/json", "-d", "{}")
    head, _, body = said.partition("\n\n") if "\r\n" not in said else said.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 401 ")
    assert "www-authenticate: Bearer" in head
    assert json.loads(body)["error"]["code"] == "missing_api_key"


def test_curl_sends_a_body_so_large_that_it_waits_for_a_100_first(committed: Running, tmp_path: Path) -> None:
    body = {"model": "sim", "messages": [{"role": "user", "content": "x" * 2_000_000}], "max_tokens": 5}
    (tmp_path / "body.json").write_text(json.dumps(body))
    key = ["-H", f"Authorization: Bearer {KEY}", "-H", "Content-Type: application/json", "-H", "Expect: 100-continue"]
    said = curl(f"{committed.url}/v1/chat/completions", *key, "--data-binary", f"@{tmp_path / 'body.json'}")
    assert json.loads(said)["choices"][0]["finish_reason"] == "length"


def test_the_openapi_document_and_its_page_are_there(committed: Running) -> None:
    document = json.loads(curl(f"{committed.url}/openapi.json"))
    assert "/v1/chat/completions" in document["paths"]
    assert curl(f"{committed.url}/docs").lstrip().lower().startswith("<!doctype html>")


def test_the_start_prints_the_address_a_key_that_works_and_a_request_to_paste(tmp_path: Path) -> None:
    config = "models:\n  - {name: sim, provider: simulated/echo}\n"
    with gateway(config, tmp_path, env={"COGNITUDE_BOOTSTRAP_KEY": "", "COGNITUDE_ADMIN_KEY": ""}) as one:
        text = one.text()
        assert f"address  {one.url}" in text
        key = next(line.split()[1] for line in text.splitlines() if line.startswith("key "))
        command = text[text.index("curl ") : text.index("\n\nfrom openai")]
        env = {**os.environ, "no_proxy": "*"}
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20, check=True, env=env)
        assert json.loads(done.stdout)["choices"][0]["message"]["content"] == "Hello"
        program = text[text.index("from openai") : text.index("print(answer") + 200].splitlines()[:4]
        run = [sys.executable, "-c", "\n".join(program)]
        done = subprocess.run(run, capture_output=True, text=True, timeout=30, check=True, env=env)
        assert done.stdout.strip() == "Hello"
        assert key.startswith("cog_")
