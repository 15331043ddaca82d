"""A plugin goes wrong, in every way in which one can, and whoever runs the gateway is told what and where."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import httpx
import pytest

from tests.journeys.wire import CHAT, HELLO
from tests.processes import CLI, Running, gateway

HEAD = """
from __future__ import annotations
import asyncio
from dataclasses import replace
from hooks import Call, Plan, Reply, hookimpl, read
"""


def written(folder: Path, source: str, *settings: str, name: str = "x") -> str:
    """The plugin as a file in the folder, and a configuration that uses it."""
    (folder / f"{name}.py").write_text(HEAD + dedent(source))
    entry = ", ".join([f"use: ./{name}.py", *settings])
    return f"models:\n  - {{name: sim, provider: simulated/echo}}\npipeline:\n  - {{{entry}}}\n"


@contextmanager
def serving(folder: Path, source: str, *settings: str) -> Iterator[tuple[Running, httpx.Client]]:
    with gateway(written(folder, source, *settings), folder) as one, one.client() as client:
        yield one, client


def checked(folder: Path, source: str, *settings: str) -> str:
    """What ``cognitude check`` and a refused ``cognitude serve`` say, which is the same."""
    (folder / "plugins.yaml").write_text(written(folder, source, *settings))
    check = cognitude(folder, "check")
    assert check.returncode == 1, check.stdout
    assert "Traceback" not in check.stderr
    serve = cognitude(folder, "serve", "--port", "0")
    assert serve.returncode == 1
    assert "Traceback" not in serve.stderr
    said = check.stderr.splitlines()[0]
    assert said in serve.stderr
    return said


def cognitude(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLI, *words], cwd=folder, capture_output=True, text=True, timeout=30, check=False)


def say(client: httpx.Client, **options: Any) -> httpx.Response:
    return client.post(CHAT, json={**HELLO, **options})


def block(client: httpx.Client, name: str = "x") -> dict[str, Any]:
    found: dict[str, Any] = client.get("/health").json()["plugins"][name]
    return found


def text_of(answer: httpx.Response) -> Any:
    return answer.json()["choices"][0]["message"]["content"]


RAISES = """
    @hookimpl
    async def pre_request(call):
        raise RuntimeError("out of cheese")
"""


def test_a_plugin_that_raises_is_skipped_counted_and_logged_once(tmp_path: Path) -> None:
    with serving(tmp_path, RAISES) as (one, client):
        for _ in range(5):
            assert text_of(say(client)) == "Hello"
        assert block(client)["errors"] == 5
        assert block(client)["last_error"] == "pre_request: RuntimeError"
        assert one.text().count("plugin x failed in pre_request: RuntimeError: out of cheese") == 1
        assert "out of cheese" not in client.get("/health").text


def test_a_plugin_that_raises_rejects_the_call_where_that_is_its_policy(tmp_path: Path) -> None:
    with serving(tmp_path, RAISES, "on_error: reject") as (_, client):
        answer = say(client)
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "plugin_failed"
        assert "'x'" in answer.json()["error"]["message"]
        assert "cheese" not in answer.text
        assert answer.headers["x-cognitude-source"] == "error"
        assert answer.headers["x-cognitude-attempts"] == "0"


def test_a_class_may_ask_to_be_rejected_and_the_operator_wins(tmp_path: Path) -> None:
    strict = """
    class Strict:
        on_error = "reject"

        @hookimpl
        async def pre_request(self, call):
            raise RuntimeError("no")
    """
    config = written(tmp_path, strict).replace("./x.py", "'./x.py:Strict'")
    with gateway(config, tmp_path) as one, one.client() as client:
        assert say(client).status_code == 500
    (tmp_path / "operator").mkdir()
    (tmp_path / "operator" / "x.py").write_text((tmp_path / "x.py").read_text())
    softened = config.replace("'./x.py:Strict'", "'./x.py:Strict', on_error: skip")
    with gateway(softened, tmp_path / "operator") as one, one.client() as client:
        assert say(client).status_code == 200


@pytest.mark.parametrize(
    "error",
    ["BaseExceptionGroup('x', [KeyError('y')])", "asyncio.CancelledError()", "StopAsyncIteration()", "KeyError()"],
)
def test_whatever_it_raises_the_call_goes_on(tmp_path: Path, error: str) -> None:
    source = f"""
    @hookimpl
    async def pre_request(call):
        raise {error}
    """
    with serving(tmp_path, source) as (_, client):
        assert text_of(say(client)) == "Hello"
        assert block(client)["errors"] == 1


def test_raising_on_the_way_up_rejects_or_leaves_the_answer(tmp_path: Path) -> None:
    source = """
    @hookimpl
    async def post_response(call, reply):
        raise RuntimeError("up")
    """
    with serving(tmp_path, source) as (_, client):
        assert text_of(say(client)) == "Hello"
        assert block(client)["last_error"] == "post_response: RuntimeError"
    (tmp_path / "strict").mkdir()
    with serving(tmp_path / "strict", source, "on_error: reject") as (_, client):
        for stream in (False, True):
            answer = say(client, stream=stream)
            assert answer.status_code == 500
            assert answer.json()["error"]["code"] == "plugin_failed"


BAD_MAP = """
    @hookimpl
    async def post_response(call, reply):
        def change(value):
            raise RuntimeError("map")
        return reply.map(change)
"""


def test_a_change_that_raises_leaves_the_answer_as_it_was(tmp_path: Path) -> None:
    with serving(tmp_path, BAD_MAP) as (_, client):
        assert text_of(say(client)) == "Hello"
        assert say(client, stream=True).text.endswith("data: [DONE]\n\n")
        assert block(client)["last_error"] == "map: RuntimeError"


def test_a_change_that_raises_rejects_a_whole_answer_and_ends_a_stream(tmp_path: Path) -> None:
    with serving(tmp_path, BAD_MAP, "on_error: reject") as (_, client):
        answer = say(client)
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "plugin_failed"
        last = say(client, stream=True).text.strip().rsplit("data: ", 1)[1]
        assert json.loads(last)["error"]["code"] == "plugin_failed"


HANGS = """
    @hookimpl
    async def pre_request(call):
        await asyncio.sleep(3600)
"""


def test_a_plugin_that_hangs_is_given_up_after_its_timeout(tmp_path: Path) -> None:
    with serving(tmp_path, HANGS, "timeout: 0.2") as (one, client):
        answer = say(client)
        assert text_of(answer) == "Hello"
        assert 0.2 <= answer.elapsed.total_seconds() < 2
        assert block(client)["last_error"] == "pre_request: TimeoutError"
        assert "plugin x failed in pre_request: TimeoutError: no answer within its timeout of 0.2 s" in one.text()


def test_a_plugin_that_hangs_rejects_the_call_where_that_is_its_policy(tmp_path: Path) -> None:
    with serving(tmp_path, HANGS, "timeout: 0.2", "on_error: reject") as (_, client):
        assert say(client).json()["error"]["code"] == "plugin_failed"


NONSENSE = {
    "pre_request(call)": ("42", "pre_request returned int; a Call or Reply, or None for no change, is expected"),
    "route(call, plan)": ("['sim']", "route returned list; a Plan or Reply, or None for no change, is expected"),
    "post_response(call, reply)": ("call", "post_response returned Call; a Reply, or None for no change, is expected"),
}


@pytest.mark.parametrize("hook", NONSENSE)
def test_a_plugin_that_returns_nonsense_is_skipped_and_told_what_is_expected(tmp_path: Path, hook: str) -> None:
    value, said = NONSENSE[hook]
    source = f"""
    @hookimpl
    async def {hook}:
        return {value}
    """
    with serving(tmp_path, source) as (one, client):
        assert text_of(say(client)) == "Hello"
        assert said in one.text()
        assert block(client)["errors"] == 1
    (tmp_path / "strict").mkdir()
    with serving(tmp_path / "strict", source, "on_error: reject") as (_, client):
        assert say(client).json()["error"]["code"] == "plugin_failed"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return Reply.json({'x': object()})", "cannot be encoded"),
        ("return replace(call, payload=Reply.json([1]).payload)", "is not a JSON object"),
        ("return Reply(status=99)", "from 200 to 599"),
        ("return Reply.json({}, headers={'x': 5})", "a string is expected"),
    ],
)
def test_a_value_that_could_not_be_sent_is_found_where_it_is_returned(tmp_path: Path, body: str, said: str) -> None:
    source = f"""
    @hookimpl
    async def pre_request(call):
        {body}
    """
    with serving(tmp_path, source) as (one, client):
        assert text_of(say(client)) == "Hello"
        assert said in one.text()


def test_a_router_cannot_add_a_deployment(tmp_path: Path) -> None:
    source = """
    @hookimpl
    async def route(call, plan):
        other = replace(plan.deployments[0], id="other", upstream_model="secret")
        return replace(plan, deployments=(other,))
    """
    with serving(tmp_path, source) as (one, client):
        assert say(client).headers["x-cognitude-model"].startswith("sim")
        assert "route may only narrow or reorder the plan; it added other" in one.text()


@pytest.mark.parametrize(
    "statement",
    [
        "call.body['model'] = 'other'",
        "call.body['messages'].append({'role': 'user', 'content': 'Injected'})",
        "call.body['messages'][0]['content'] = 'Injected'",
        "call.payload = None",
        "call.caller.organization = 'other'",
        "del call.body['messages'][0]['role']",
    ],
)
def test_a_plugin_that_mutates_what_it_was_given_is_stopped(tmp_path: Path, statement: str) -> None:
    source = f"""
    @hookimpl
    async def pre_request(call):
        {statement}
    """
    with serving(tmp_path, source) as (_, client):
        assert text_of(say(client)) == "Hello"
        assert block(client)["errors"] == 1
        assert block(client)["last_error"].split(": ")[1] in ("TypeError", "AttributeError", "FrozenInstanceError")


def test_a_plugin_that_mutates_the_answer_is_stopped(tmp_path: Path) -> None:
    source = """
    @hookimpl
    async def post_response(call, reply):
        reply.body["choices"][0]["message"]["content"] = "Forged"
    """
    with serving(tmp_path, source) as (_, client):
        assert text_of(say(client)) == "Hello"
        assert block(client)["errors"] == 1


def test_a_typo_in_a_hooks_name_is_found_and_the_right_name_offered(tmp_path: Path) -> None:
    said = checked(tmp_path, "@hookimpl\nasync def pre_requst(call):\n    return None\n")
    assert "plugins.yaml:4: pipeline[0].use:" in said
    assert "marks pre_requst, and there is no such hook" in said
    assert "did you mean 'pre_request'?" in said


def test_a_plugin_that_marks_nothing_is_asked_whether_it_forgot(tmp_path: Path) -> None:
    said = checked(tmp_path, "async def pre_request(call):\n    return None\n")
    assert "plugins.yaml:4:" in said
    assert "has no hook; did somebody forget @hookimpl?: pre_request would be, if marked" in said


def test_an_unknown_parameter_is_named_with_those_that_are_known(tmp_path: Path) -> None:
    said = checked(tmp_path, "@hookimpl\nasync def route(call, plam):\n    return None\n")
    assert "has route with a parameter plam: route may take call, plan" in said
    assert "did you mean 'plan'?" in said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "@hookimpl(tryfirst=True)\nasync def pre_request(call): ...\n",
            "with tryfirst: the order is that of plugins.yaml",
        ),
        ("@hookimpl\nasync def lifespan(gateway):\n    yield\n", "put @asynccontextmanager under @hookimpl"),
        ("@hookimpl\nasync def schedule():\n    return []\n", "it must be a plain def"),
        ("import nothing_that_exists\n", "No module named 'nothing_that_exists'"),
        ("raise RuntimeError('at import')\n", "at import"),
        ("def broken(:\n", "invalid syntax"),
    ],
)
def test_what_cannot_be_loaded_is_said_before_anything_is_served(tmp_path: Path, source: str, said: str) -> None:
    assert said in checked(tmp_path, source)


def test_a_file_that_is_not_there_and_a_class_that_is_misspelt_are_named(tmp_path: Path) -> None:
    source = "class Limit:\n    @hookimpl\n    async def pre_request(self, call): ...\n"
    config = written(tmp_path, source).replace("./x.py", "'./x.py:Limti'")
    (tmp_path / "plugins.yaml").write_text(config)
    done = cognitude(tmp_path, "check")
    assert done.returncode == 1
    assert "did you mean 'Limit'?" in done.stderr
    (tmp_path / "plugins.yaml").write_text(config.replace("x.py:Limti", "gone.py"))
    done = cognitude(tmp_path, "check")
    assert done.returncode == 1
    assert "gone.py" in done.stderr


def test_all_mistakes_of_a_file_are_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(HEAD + "@hookimpl\nasync def pre_requst(call): ...\n")
    (tmp_path / "b.py").write_text(HEAD + "async def route(call, plan): ...\n")
    config = "models:\n  - {name: sim, provider: simulated/echo}\npipeline:\n" + indent(
        "- {use: ./a.py}\n- {use: ./b.py}\n- {use: redcat}\n- {use: redact, mode: shadwo}\n", "  "
    )
    (tmp_path / "plugins.yaml").write_text(config)
    done = cognitude(tmp_path, "check", "--json")
    problems = json.loads(done.stdout)["problems"]
    assert [problem["line"] for problem in problems] == [4, 5, 6, 7]
    assert [problem["nearest"] for problem in problems] == ["pre_request", None, "redact", "shadow"]


def test_a_plugin_that_cannot_start_stops_the_start_and_is_named(tmp_path: Path) -> None:
    source = """
    from contextlib import asynccontextmanager

    @hookimpl
    @asynccontextmanager
    async def lifespan(gateway):
        raise ConnectionError("no database at 10.0.0.9")
        yield
    """
    (tmp_path / "plugins.yaml").write_text(written(tmp_path, source))
    done = cognitude(tmp_path, "serve", "--port", "0")
    assert done.returncode == 3
    assert "x" in done.stderr
    assert "no database at 10.0.0.9" in done.stderr
    assert "Cognitude is serving" not in done.stdout


DECIDES = """
    @hookimpl
    async def pre_request(call):
        return Reply.error(429, "Too fast", type="rate_limit_error")
"""


def test_a_plugin_in_shadow_mode_decides_nothing_and_is_counted(tmp_path: Path) -> None:
    with serving(tmp_path, DECIDES, "mode: shadow") as (_, client):
        for _ in range(3):
            assert text_of(say(client)) == "Hello"
        found = block(client)
        assert found["mode"] == "shadow"
        assert found["shadow"] == {"pre_request: answer with 429": 3}
        assert found["errors"] == 0


@pytest.mark.parametrize("source", [RAISES, HANGS, BAD_MAP], ids=["raises", "hangs", "changes badly"])
def test_a_plugin_in_shadow_mode_can_fail_as_it_likes(tmp_path: Path, source: str) -> None:
    with serving(tmp_path, source, "mode: shadow", "on_error: reject", "timeout: 0.2") as (_, client):
        assert text_of(say(client)) == "Hello"
        assert say(client, stream=True).text.endswith("data: [DONE]\n\n")


def test_a_plugin_that_is_off_is_not_even_run(tmp_path: Path) -> None:
    with serving(tmp_path, RAISES, "mode: off") as (one, client):
        assert text_of(say(client)) == "Hello"
        assert "cheese" not in one.text()


def test_the_other_plugins_run_when_one_fails(tmp_path: Path) -> None:
    good = """
    @hookimpl
    async def pre_request(call):
        return call.set(messages=[{"role": "user", "content": "Changed"}])
    """
    written(tmp_path, good, name="good")
    config = written(tmp_path, RAISES) + "  - {use: ./good.py}\n"
    with gateway(config, tmp_path) as one, one.client() as client:
        assert text_of(say(client)) == "Changed"
        assert block(client)["errors"] == 1
        assert block(client, "good")["errors"] == 0
