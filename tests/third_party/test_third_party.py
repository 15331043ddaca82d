"""A plugin as a stranger would ship it: installed by path, configured from YAML, failing, shadowed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.processes import ADMIN_KEY, CLI, KEY, Running, gateway

PACKAGE = Path(__file__).parent / "cognitude-shout"
SIM = "models:\n  - {name: sim, provider: simulated/echo}\npipeline:\n"
BAD = {"x-shout-marks": "many"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed into it, as pip does it."""
    target = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*install, "--disable-pip-version-check", "--target", str(target), str(PACKAGE)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return target


def cli(site: Path, folder: Path, config: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = folder / "plugins.yaml"
    path.write_text(config)
    environ = {**os.environ, "PYTHONPATH": str(site), "COGNITUDE_CONFIG": str(path)}
    return subprocess.run([*CLI, *arguments], capture_output=True, text=True, env=environ, cwd=folder)


@contextmanager
def serving(site: Path, folder: Path, entry: str) -> Iterator[Running]:
    with gateway(SIM + entry, folder, env={"PYTHONPATH": str(site)}) as running:
        yield running


def ask(running: Running, **options: Any) -> httpx.Response:
    body = {"model": "sim", "messages": [{"role": "user", "content": "hello there"}]}
    with running.client() as client:
        return client.post("/v1/chat/completions", json=body, **options)


def said(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    content: str = response.json()["choices"][0]["message"]["content"]
    return content


def plugin_health(running: Running) -> dict[str, Any]:
    with running.client() as client:
        block: dict[str, Any] = client.get("/health").json()["plugins"]["shout"]
        return block


def test_what_is_listed_is_seen_in_the_explanation_with_its_package_and_policy(site: Path, tmp_path: Path) -> None:
    done = cli(site, tmp_path, SIM + "  - {use: shout, on_error: reject}\n", "explain", "--json")
    assert done.returncode == 0, done.stderr
    explained = json.loads(done.stdout)
    step = {"plugin": "shout", "use": "shout", "mode": "enforce", "on_error": "reject", "timeout": None}
    assert explained["stages"]["pre_request"] == [step]
    assert explained["stages"]["post_response"] == [step]
    assert explained["stages"]["route"] == []
    [plugin] = explained["plugins"]
    assert "cognitude-shout 1.2.0" in plugin["origin"]
    assert (
        "shout: enforce, on error reject"
        in cli(site, tmp_path, SIM + "  - {use: shout, on_error: reject}\n", "explain").stdout
    )


def test_installed_is_not_enabled(site: Path, tmp_path: Path) -> None:
    done = cli(site, tmp_path, SIM + "  - {use: redact}\n", "explain")
    assert done.returncode == 0, done.stderr
    assert "shout" not in done.stdout


def test_the_readmes_configuration_is_accepted(site: Path, tmp_path: Path) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
    done = cli(site, tmp_path, SIM.replace("pipeline:\n", "") + example, "check", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["plugins"] == 1


def test_mistakes_in_its_settings_are_told_like_the_cores_own(site: Path, tmp_path: Path) -> None:
    entry = "  - use: shout\n    config:\n      marks: -1\n      mosst: 3\n"
    done = cli(site, tmp_path, SIM + entry, "check", "--json")
    assert done.returncode == 1
    problems = {problem["path"]: problem for problem in json.loads(done.stdout)["problems"]}
    assert set(problems) == {"pipeline[0].config.marks", "pipeline[0].config.mosst"}
    assert problems["pipeline[0].config.marks"]["line"] == 6
    assert problems["pipeline[0].config.mosst"]["nearest"] == "most"


def test_a_misspelt_name_is_told_with_the_nearest(site: Path, tmp_path: Path) -> None:
    done = cli(site, tmp_path, SIM + "  - {use: shuot}\n", "check", "--json")
    assert done.returncode == 1
    [problem] = json.loads(done.stdout)["problems"]
    assert problem["path"] == "pipeline[0].use"
    assert problem["nearest"] == "shout"


def test_it_brings_its_command(site: Path, tmp_path: Path) -> None:
    config = SIM + "  - {use: shout, config: {marks: 3}}\n"
    done = cli(site, tmp_path, config, "shout", "hello")
    assert done.stdout == "HELLO!!!\n", done.stderr
    assert "Say TEXT loudly." in cli(site, tmp_path, config, "--help").stdout


def test_its_settings_are_in_the_schema_editors_complete_from(site: Path, tmp_path: Path) -> None:
    done = cli(site, tmp_path, SIM, "schema")
    assert done.returncode == 0, done.stderr
    assert "Exclamation marks put after what is asked." in done.stdout


def test_configured_from_yaml_it_works_on_both_ways_and_on_streams(site: Path, tmp_path: Path) -> None:
    with serving(site, tmp_path, "  - {use: shout, config: {marks: 2}}\n") as running:
        assert "HELLO THERE!!" in said(ask(running))
        assert "HELLO THERE!!!!" in said(ask(running, headers={"x-shout-marks": "4"}))
        body = {"model": "sim", "stream": True, "messages": [{"role": "user", "content": "hello there"}]}
        with running.client() as client:
            events = client.post("/v1/chat/completions", json=body).text.split("\n\n")
            chunks = [json.loads(event[6:]) for event in events if event.startswith("data: {")]
            text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
            assert "HELLO THERE!!" in text
        # Watchers are told after the last byte: the client may be faster.
        deadline = time.monotonic() + 5
        while plugin_health(running)["shouted"] < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        with running.client(key=ADMIN_KEY) as client:
            assert client.get("/shout").json() == {"shouted": 3}
        health = plugin_health(running)
        assert (health["status"], health["shouted"], health["errors"]) == ("ok", 3, 0)


def test_its_endpoint_is_guarded_and_documented(site: Path, tmp_path: Path) -> None:
    with serving(site, tmp_path, "  - {use: shout}\n") as running, running.client(key=ADMIN_KEY) as client:
        assert client.get("/shout").status_code == 200
        assert client.get("/shout", headers={"authorization": "Bearer wrong-key-0123456789"}).status_code == 401
        assert "/shout" in client.get("/openapi.json").json()["paths"]


def test_shadowed_it_decides_and_changes_nothing(site: Path, tmp_path: Path) -> None:
    with serving(site, tmp_path, "  - {use: shout, mode: shadow, on_error: reject}\n") as running:
        content = said(ask(running))
        assert "hello there" in content
        assert "!" not in content
        assert said(ask(running, headers=BAD)) == content
        health = plugin_health(running)
        assert health["mode"] == "shadow"
        assert health["shadow"]["pre_request: change messages"] == 1
        assert health["errors"] == 1


def test_failing_under_skip_the_call_goes_on_and_the_failure_is_counted(site: Path, tmp_path: Path) -> None:
    with serving(site, tmp_path, "  - {use: shout, on_error: skip}\n") as running:
        for _ in range(3):
            assert "HELLO THERE" in said(ask(running, headers=BAD))
        health = plugin_health(running)
        assert health["errors"] == 3
        assert health["last_error"] == "pre_request: ValueError"
        running.stop()
        assert running.text().count("plugin shout failed in pre_request: ValueError") == 1


def test_failing_under_reject_the_call_is_answered_with_500_and_no_traceback(site: Path, tmp_path: Path) -> None:
    with serving(site, tmp_path, "  - {use: shout, on_error: reject}\n") as running:
        response = ask(running, headers=BAD)
        assert response.status_code == 500
        error = response.json()["error"]
        assert error["code"] == "plugin_failed"
        assert "'shout'" in error["message"]
        assert "Traceback" not in response.text
        assert "many" not in response.text
        assert "HELLO THERE!" in said(ask(running))
        assert plugin_health(running)["errors"] == 1


def test_the_key_used_here_is_the_gateways_only_one(site: Path, tmp_path: Path) -> None:
    with serving(site, tmp_path, "  - {use: shout}\n") as running:
        assert ask(running, headers={"authorization": f"Bearer {KEY}x"}).status_code == 401
