from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import SOAK
from tests.processes import ADMIN_KEY, KEY, gateway

CONFIG = """
models:
  - {name: "*", provider: "simulated/*"}
  - {name: sim, provider: simulated/echo}
pipeline: []
"""
ROGUE = """
from starlette.responses import JSONResponse
from starlette.routing import Route

from hooks import hookimpl, operation


class Rogue:
    @hookimpl
    def routes(self):
        @operation("Answers what it does not document", access="organization", responses={200: {"type": "object"}})
        async def teapot(request):
            return JSONResponse({}, status_code=418)

        return [Route("/rogue", teapot, methods=["GET"])]
"""
ALERTS = """
  - use: limiter
  - use: analytics
  - use: alert_channels
    config:
      channels: {ops: {type: slack, url: "https://hooks.slack.com/services/x"}}
      rules: [{name: errors, metric: error_rate, threshold: 0.5, channels: [ops]}]
      budgets: [{name: month, organization: "*", amount_usd: 5, per: month}]
"""
# A provider may refuse what the gateway hands on, so a body that fits the schema can still be a 400; what it names may
# not exist, exist already, or be in a state that forbids it.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "404", "409", "422"]
"""


def fuzz(
    url: str, folder: Path, *arguments: str, examples: int = 8, secret: str = KEY
) -> subprocess.CompletedProcess[str]:
    settings = folder / "schemathesis.toml"
    settings.write_text(SETTINGS)
    program = "from schemathesis.cli import schemathesis; schemathesis()"
    command = [sys.executable, "-c", program, "--config-file", str(settings), "run", f"{url}/openapi.json"]
    options = [
        "--checks",
        "all",
        "--max-examples",
        str(examples * (10 if SOAK else 1)),
        "--continue-on-failure",
        "--generation-deterministic",
    ]
    key = ["--header", f"Authorization: Bearer {secret}"]
    return subprocess.run(
        [*command, *options, *key, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1000 if SOAK else 100,
        check=False,
    )


def test_the_http_surface_survives_fuzzing(tmp_path: Path) -> None:
    with gateway(CONFIG, tmp_path) as one:
        run = fuzz(one.url, tmp_path, "--exclude-path-regex", "^/admin/(reload|organizations|jobs)")
        assert run.returncode == 0, run.stdout + run.stderr
        tested = re.search(r"Tested: (\d+)", run.stdout)
        cases = re.search(r"(\d+) generated, \1 passed", run.stdout)
        assert tested, run.stdout
        assert cases, run.stdout
        assert int(tested[1]) >= 10
        assert int(cases[1]) > 300
        with one.client() as client:
            assert client.get("/health").json()["status"] == "ok"
        assert one.stop() == 0
        assert "Traceback" not in one.text()


def test_what_admins_ask_survives_fuzzing(tmp_path: Path) -> None:
    with gateway(CONFIG, tmp_path) as one:
        run = fuzz(one.url, tmp_path, "--include-path-regex", "^/admin/", secret=ADMIN_KEY)
        assert run.returncode == 0, run.stdout + run.stderr
        with one.client() as client:
            assert client.get("/health").json()["status"] == "ok"
        assert one.stop() == 0
        assert "Traceback" not in one.text()


def test_the_limits_and_the_cache_survive_fuzzing(tmp_path: Path) -> None:
    """By themselves: what is set here refuses other calls."""
    plugins = "pipeline:\n  - {use: limiter, config: {limits: []}}\n  - use: redis_cache"
    with gateway(CONFIG.replace("pipeline: []", plugins), tmp_path) as one:
        for secret, paths in ((KEY, "^/(rate-limits/|cache(?!/shared))"), (ADMIN_KEY, "^/(rate-limits/|cache)")):
            run = fuzz(one.url, tmp_path, "--include-path-regex", paths, examples=15, secret=secret)
            assert run.returncode == 0, run.stdout + run.stderr
            cases = re.search(r"(\d+) generated, \1 passed", run.stdout)
            assert cases, run.stdout
            assert int(cases[1]) > 100
        with one.client() as client:
            client.delete("/rate-limits/config")
            body = {"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}
            client.post("/v1/chat/completions", json=body).raise_for_status()
            assert client.get("/health").json()["status"] == "ok"
        assert one.stop() == 0
        assert "Traceback" not in one.text()


def test_routing_survives_fuzzing(tmp_path: Path) -> None:
    models = "models:\n  - {name: auto, candidates: [sim]}"
    config = CONFIG.replace("models:", models, 1).replace("pipeline: []", "pipeline:\n  - use: complexity_router")
    with gateway(config, tmp_path) as one:
        run = fuzz(one.url, tmp_path, "--include-path-regex", "^/v1/(smart|feedback)", examples=8)
        assert run.returncode == 0, run.stdout + run.stderr
        cases = re.search(r"(\d+) generated, \1 passed", run.stdout)
        assert cases, run.stdout
        assert int(cases[1]) > 100
        with one.client() as client:
            assert client.get("/health").json()["status"] == "ok"
        assert one.stop() == 0
        assert "Traceback" not in one.text()


def test_the_experiments_survive_fuzzing(tmp_path: Path) -> None:
    arms = "[{name: a, model: sim}, {name: b, model: sim}]"
    rule = f"{{strategy: experiment, experiment: {{name: x, arms: {arms}}}}}"
    plugins = f"pipeline:\n  - {{use: balancer, config: {{rules: [{rule}]}}}}"
    with gateway(CONFIG.replace("pipeline: []", plugins), tmp_path) as one:
        for secret in (KEY, ADMIN_KEY):
            run = fuzz(one.url, tmp_path, "--include-path-regex", "^/routing/", secret=secret)
            assert run.returncode == 0, run.stdout + run.stderr
        with one.client() as client:
            scored = client.post("/routing/scores", json={"experiment": "x", "user": "ada", "score": 1}).json()
            assert scored["arm"] in ("a", "b")
            assert client.get("/health").json()["status"] == "ok"
        assert one.stop() == 0
        assert "Traceback" not in one.text()


def test_alerts_survive_fuzzing(tmp_path: Path) -> None:
    with gateway(CONFIG.replace("pipeline: []", f"pipeline:{ALERTS}"), tmp_path) as one:
        for secret in (KEY, ADMIN_KEY):
            run = fuzz(one.url, tmp_path, "--include-path-regex", "^/alerts", examples=3, secret=secret)
            assert run.returncode == 0, run.stdout + run.stderr
            cases = re.search(r"(\d+) generated, \1 passed", run.stdout)
            assert cases, run.stdout
            assert int(cases[1]) > 100
        assert one.stop() == 0
        assert "Traceback" not in one.text()


def test_the_fuzzing_finds_a_status_that_is_not_documented(tmp_path: Path) -> None:
    (tmp_path / "rogue.py").write_text(ROGUE)
    config = CONFIG.replace("pipeline: []", "pipeline:\n  - {use: './rogue.py:Rogue'}")
    with gateway(config, tmp_path) as one:
        run = fuzz(one.url, tmp_path, "--include-path", "/rogue", examples=3)
    assert run.returncode == 1
    assert "Undocumented status code" in run.stdout
    assert "418" in run.stdout
