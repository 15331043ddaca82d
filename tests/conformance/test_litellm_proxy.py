"""The middleware around LiteLLM's real proxy app, beside the same app alone. Run by ``make conformance``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AuthenticationError, OpenAI, PermissionDeniedError

from tests.processes import CLI, Running, free_port, simulated

KEY = "sk-client-0123456789abcdef"
CHAT = "/v1/chat/completions"
HELLO = {"model": "sim", "messages": [{"role": "user", "content": "Hello there"}]}
READY_SECONDS = 90.0
OF_THE_SERVER = {"date", "server"}

POLITE = """
from hooks import Reply, hookimpl

@hookimpl
async def pre_request(call):
    if call.model == "forbidden":
        return Reply.error(403, "Not this one.", code="forbidden")

@hookimpl
async def post_response(reply):
    return reply.map(signed)

def signed(value):
    return {**value, "signed": True} if "choices" in value else None
"""


DOOR = f"""
from fastapi import HTTPException
from litellm.proxy._types import UserAPIKeyAuth

async def user_api_key_auth(request, api_key):
    if api_key != "{KEY}":
        raise HTTPException(401, "LiteLLM does not know this key")
    return UserAPIKeyAuth(api_key=api_key)
"""
"""LiteLLM's own hook for keys: its virtual keys need a database."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("litellm")
    (folder / "polite.py").write_text(POLITE)
    (folder / "plugins.yaml").write_text("pipeline: [{use: ./polite.py}]\n")
    return folder


@pytest.fixture(scope="module")
def upstream(folder: Path) -> Iterator[Running]:
    with simulated(folder, "--chunk-ms", "20") as one:
        yield one


@pytest.fixture(scope="module")
def environment(folder: Path, upstream: Running) -> Mapping[str, str]:
    models = [
        {
            "model_name": "sim",
            "litellm_params": {"model": "openai/echo", "api_base": f"{upstream.url}/v1", "api_key": "upstream-key"},
        }
    ]
    (folder / "door.py").write_text(DOOR)
    settings = {"master_key": "sk-master-0123456789abcdef", "custom_auth": "door.user_api_key_auth"}
    path = folder / "litellm.yaml"
    path.write_text(json.dumps({"model_list": models, "general_settings": settings}))
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    local = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}
    return {**kept, **local, "CONFIG_FILE_PATH": str(path), "PYTHONHASHSEED": "0"}


@contextmanager
def started(name: str, command: list[str], folder: Path, env: Mapping[str, str]) -> Iterator[Running]:
    port = free_port()
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--port", str(port)], cwd=folder, stdout=output, stderr=output, env=env)
        one = Running(url=f"http://127.0.0.1:{port}", process=process, log=log)
        try:
            await_answer(one)
            yield one
        finally:
            process.kill()
            process.wait()


def await_answer(one: Running) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert one.process.poll() is None, one.text()
        try:
            httpx.get(f"{one.url}/health/liveliness", timeout=5.0, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"not ready within {READY_SECONDS:g} s:\n{one.text()}")


@pytest.fixture(scope="module")
def wrapped(folder: Path, environment: Mapping[str, str]) -> Iterator[Running]:
    command = [*CLI, "wrap", "litellm.proxy.proxy_server:app", "--config", "plugins.yaml"]
    with started("wrapped", command, folder, environment) as one:
        yield one
        assert one.stop() == 0, one.text()


@pytest.fixture(scope="module")
def alone(folder: Path, environment: Mapping[str, str]) -> Iterator[Running]:
    command = [sys.executable, "-m", "uvicorn", "litellm.proxy.proxy_server:app", "--log-level", "error"]
    with started("alone", command, folder, environment) as one:
        yield one


@pytest.fixture(scope="module")
def openai(wrapped: Running) -> Iterator[OpenAI]:
    http = httpx.Client(trust_env=False)
    with OpenAI(base_url=f"{wrapped.url}/v1", api_key=KEY, max_retries=0, http_client=http) as client:
        yield client


def ask(one: Running, method: str, path: str, key: str | None = KEY, body: Any = None) -> httpx.Response:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return httpx.request(method, one.url + path, json=body, headers=headers, timeout=30.0, trust_env=False)


def stats(upstream: Running) -> dict[str, int]:
    found: dict[str, int] = httpx.get(f"{upstream.url}/stats", trust_env=False).json()
    return found


def test_a_chat_goes_through_both(openai: OpenAI, upstream: Running) -> None:
    before = stats(upstream)["calls"]
    raw = openai.chat.completions.with_raw_response.create(**HELLO)
    answer = raw.parse()
    assert answer.choices[0].message.content == "Hello there"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 0
    assert answer.to_dict()["signed"] is True
    assert raw.headers["x-cognitude-source"] == "provider"
    assert raw.headers["x-litellm-version"]
    assert raw.headers["x-litellm-call-id"]
    assert stats(upstream)["calls"] == before + 1


def test_a_stream_goes_through_both(openai: OpenAI) -> None:
    stream = openai.chat.completions.create(**HELLO, stream=True, stream_options={"include_usage": True})
    events = list(stream)
    assert "".join(event.choices[0].delta.content or "" for event in events if event.choices) == "Hello there"
    assert all(event.to_dict()["signed"] for event in events)
    assert [event.usage.completion_tokens for event in events if event.usage] == [2]


def test_litellms_path_without_v1_is_no_way_round_the_pipeline(wrapped: Running) -> None:
    answer = ask(wrapped, "POST", "/chat/completions", body=HELLO)
    assert answer.json()["signed"] is True


def test_a_plugin_that_answers_early_spares_the_upstream_the_call(openai: OpenAI, upstream: Running) -> None:
    before = stats(upstream)["calls"]
    with pytest.raises(PermissionDeniedError, match="Not this one"):
        openai.chat.completions.create(**{**HELLO, "model": "forbidden"})
    assert stats(upstream)["calls"] == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/health/liveliness"),
        ("GET", "/v1/models"),
        ("GET", "/openapi.json"),
        ("POST", "/nowhere"),
        ("PUT", CHAT),
    ],
)
def test_what_is_no_model_call_is_what_litellm_says_alone(
    wrapped: Running, alone: Running, method: str, path: str
) -> None:
    ours, theirs = (ask(one, method, path) for one in (wrapped, alone))
    assert ours.status_code == theirs.status_code
    assert ours.content == theirs.content
    assert lasting(ours) == lasting(theirs)


def lasting(answer: httpx.Response) -> list[tuple[bytes, bytes]]:
    """The headers that are the app's and the same in every answer."""
    return [pair for pair in answer.headers.raw if pair[0].decode().lower() not in OF_THE_SERVER]


@pytest.mark.parametrize("key", [None, "wrong-key-0123456789", "sk-wrong-0123456789abcdef"])
def test_a_key_is_litellms_to_judge_in_its_own_words(wrapped: Running, alone: Running, key: str | None) -> None:
    ours, theirs = (ask(one, "POST", CHAT, key, HELLO) for one in (wrapped, alone))
    assert ours.status_code == theirs.status_code == 401
    assert ours.content == theirs.content
    assert ours.json()["error"]["message"] == "LiteLLM does not know this key"


def test_the_openai_client_raises_for_litellms_401(openai: OpenAI) -> None:
    with pytest.raises(AuthenticationError, match="LiteLLM does not know this key"):
        openai.with_options(api_key="sk-wrong").chat.completions.create(**HELLO)


def test_a_model_is_litellms_to_know(wrapped: Running, alone: Running) -> None:
    unknown = {**HELLO, "model": "nobody's model"}
    ours, theirs = (ask(one, "POST", CHAT, body=unknown) for one in (wrapped, alone))
    assert ours.status_code == theirs.status_code
    assert ours.json()["error"]["message"] == theirs.json()["error"]["message"]


def test_a_client_that_leaves_a_stream_ends_the_call_behind_litellm(wrapped: Running, upstream: Running) -> None:
    body = {**HELLO, "messages": [{"role": "user", "content": " ".join(map(str, range(500)))}], "stream": True}
    headers = {"authorization": f"Bearer {KEY}"}
    before = stats(upstream)
    with httpx.Client(base_url=wrapped.url, trust_env=False, headers=headers) as client:
        with client.stream("POST", CHAT, json=body, timeout=30.0) as answer:
            pieces = answer.iter_bytes()
            next(pieces)
            assert stats(upstream)["open"] == before["open"] + 1
        deadline = time.monotonic() + 3.0
        while stats(upstream)["open"] > before["open"]:
            assert time.monotonic() < deadline, stats(upstream)
            time.sleep(0.05)
    assert stats(upstream)["cancelled"] == before["cancelled"] + 1
