"""Several deployments of a model on real sockets: the slow, the failing, the new, the other arm, the copy."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import cognitude_plugins.balancer as package
from tests.journeys.rows import exported
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import ADMIN_KEY, CLI, KEY, Running, gateway, simulated

MODELS = """
gateway:
  drain: {{announce_seconds: 0}}
models:
  - {{name: m, provider: vllm/x, base_url: "{0}/v1", info: {{region: eu}}, price: {{input: 1, output: 1}}}}
  - {{name: m, provider: vllm/x, base_url: "{1}/v1", info: {{region: us}}, price: {{input: 2, output: 1}}}}
  - {{name: m, provider: vllm/x, base_url: "{2}/v1", info: {{region: us}}, price: {{input: 3, output: 1}}}}
  - {{name: n, provider: vllm/x, base_url: "{1}/v1", price: {{input: 1, output: 1}}}}
  - {{name: both, candidates: [m, n]}}
pipeline:
"""


class Place:
    def __init__(self, one: Running, upstreams: list[Running], folder: Path, client: httpx.Client) -> None:
        self.one, self.upstreams, self.folder = one, upstreams, folder
        self._client = client

    def ask(self, text: str = "Hello", *, model: str = "m", headers: Any = None, **fields: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        return self._client.post(CHAT, json=body, headers=headers)

    def deployment(self, *words: Any, **options: Any) -> str:
        said = self.ask(*words, **options)
        assert said.status_code == 200, said.text
        return said.headers["x-cognitude-model"]

    def at_once(self, count: int, **options: Any) -> Counter[str]:
        with ThreadPoolExecutor(8) as pool:
            return Counter(pool.map(lambda number: self.deployment(f"Hello {number}", **options), range(count)))

    def health(self) -> Any:
        return httpx.get(f"{self.one.url}/health", trust_env=False).json()["plugins"]["balancer"]


@contextmanager
def place(folder: Path, pipeline: str, *faults: str) -> Iterator[Place]:
    """Three upstreams, each with its options."""
    with ExitStack() as stack:
        upstreams = [
            stack.enter_context(simulated(folder, *shlex.split(options)))
            for options in [*faults, *[""] * (3 - len(faults))]
        ]
        config = MODELS.format(*(one.url for one in upstreams)) + pipeline
        one = stack.enter_context(gateway(config, folder))
        yield Place(one, upstreams, folder, stack.enter_context(one.client()))


def rules(*lines: str, rest: str = "") -> str:
    written = "".join(f"        - {line}\n" for line in lines)
    return f"  - use: balancer\n    config:\n      rules:\n{written}{rest}"


@pytest.mark.parametrize("measure", ["peak_ewma", "p95"])
def test_a_slow_deployment_is_left_alone(tmp_path: Path, measure: str) -> None:
    rule = f"{{strategy: latency, measure: {measure}, explore: 0}}"
    with place(tmp_path, rules(rule), "", "--latency-ms 400", "") as here:
        here.at_once(16)
        taken = here.at_once(120)
        assert taken["m#2"] <= 6
        assert taken["m"] + taken["m#3"] == 120 - taken["m#2"]
        said = here.ask()
        assert said.headers["x-cognitude-route"] == "balancer: latency"


def test_turns_regions_prices_and_conditions(tmp_path: Path) -> None:
    with place(
        tmp_path,
        rules(
            "{when: 'tags.team == \"batch\"', strategy: cost}",
            '{when: \'headers["x-near"] == "us"\', strategy: region, regions: [us], only: true}',
            "{strategy: round_robin}",
        ),
    ) as here:
        assert [here.deployment() for _ in range(6)] == ["m", "m#2", "m#3"] * 2
        assert {here.deployment(headers={"x-cognitude-tags": "team=batch"}) for _ in range(5)} == {"m"}
        near = [here.deployment(headers={"x-near": "us"}) for _ in range(20)]
        assert set(near) == {"m#2", "m#3"}


def test_a_conversation_stays_where_it_is(tmp_path: Path) -> None:
    with place(tmp_path, rules("{strategy: sticky, by: conversation}")) as here:
        first = {name: here.deployment(f"Question {name}") for name in range(24)}
        assert set(first.values()) == {"m", "m#2", "m#3"}
        assert {name: here.deployment(f"Question {name}") for name in range(24)} == first
        named = {here.deployment(f"{n}", headers={"x-conversation-id": "c1"}) for n in range(10)}
        assert len(named) == 1


def test_a_router_above_has_chosen_the_model_already(tmp_path: Path) -> None:
    (tmp_path / "prefer.py").write_text(
        "from hooks import hookimpl\n@hookimpl\ndef route(plan):\n"
        "    return plan.rank(lambda one: one.model != 'n', why='n will do')\n"
    )
    with place(tmp_path, "  - use: ./prefer.py\n" + rules("{strategy: round_robin}")) as here:
        said = here.ask(model="both")
        assert said.headers["x-cognitude-model"] == "n"
        assert said.headers["x-cognitude-route"] == "n will do; balancer: round_robin"
        assert {here.deployment(model="both") for _ in range(6)} == {"n"}


CANARY = """{strategy: canary, then: round_robin, canary: {deployment: "m#3", by: call, max_error_rate: 0.2,
           min_calls: 10, start: 2026-01-01T00:00:00Z, steps: [{share: 0.5}]}}"""


def test_a_canary_that_fails_gets_no_more_calls_and_no_client_notices(tmp_path: Path) -> None:
    with place(tmp_path, rules(CANARY), "", "", "--faults 503") as here:
        assert {here.deployment(f"{n}") for n in range(60)} <= {"m", "m#2"}
        state = here.health()["canaries"]["m#3"]
        assert (state["aborted"], state["share"]) == (True, 0)
        assert 10 <= state["calls"] < 40
        assert "canary m#3" in here.one.text()
        before = calls_at(here.upstreams[2])
        here.at_once(20)
        assert calls_at(here.upstreams[2]) == before


def calls_at(upstream: Running) -> int:
    calls: int = httpx.get(f"{upstream.url}/stats", trust_env=False).json()["calls"]
    return calls


def test_a_mirror_copies_its_share_after_the_answer_and_no_copy_again(tmp_path: Path) -> None:
    """The copies' own model is mirrored back."""
    mirrors = (
        "      mirrors:\n        - {name: to-n, models: [m], to: n, share: 0.25}\n"
        "        - {name: to-m, models: [n], to: m, share: 1}\n"
    )
    with place(tmp_path, rules("{models: [m], strategy: cost}", rest=mirrors)) as here:
        for number in range(20):
            assert here.deployment(f"Hello {number}", user="ada") == "m"
        assert eventually(lambda: here.health()["mirrors"]["to-n"]["copied"] == 5)
        assert here.health()["mirrors"] == {
            "to-n": {"copied": 5, "left_out": 0, "failed": 0},
            "to-m": {"copied": 0, "left_out": 0, "failed": 0},
        }
        assert eventually(lambda: calls_at(here.upstreams[1]) == 5)
        assert calls_at(here.upstreams[0]) == 20
        with here.one.client(key=KEY) as client:
            dry = client.post(CHAT, json={"model": "m", "messages": []}, headers={"x-cognitude-dry-run": "true"})
            assert dry.status_code in (200, 400)
        assert here.one.stop() == 0
        rows = exported(here.folder)
    copies = [row for row in rows if row["tags"]]
    assert [(row["model"], row["tags"], row["user"], row["status"]) for row in copies] == [
        ("n", {"mirror": "to-n"}, "ada", 200)
    ] * 5
    assert all(row["cost_nano_usd"] > 0 for row in copies)


EXPERIMENT = """{models: [both], strategy: experiment, experiment: {name: m-or-n, arms: [
           {name: m, model: m, weight: 3}, {name: n, model: n, weight: 1}]}}"""


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Forty users have called four times each; ``n`` fails for everybody's fourth call or so."""
    folder = tmp_path_factory.mktemp("trial")
    with place(folder, rules(EXPERIMENT), "--latency-ms 1") as here:
        for turn in range(4):
            for number in range(40):
                assert here.ask(f"{turn}", model="both", user=f"user-{number}").status_code == 200
        yield here


def test_a_user_is_in_one_arm_and_the_result_has_its_interval(trial: Place) -> None:
    arms = {
        f"user-{n}": {trial.deployment(model="both", user=f"user-{n}").partition("#")[0] for _ in range(3)}
        for n in range(10)
    }
    assert all(len(found) == 1 for found in arms.values())
    with trial.one.client() as client:
        found = client.get("/routing/experiments").json()
    [experiment] = found["experiments"]
    assert (found["organization"], experiment["name"], experiment["control"]) == ("default", "m-or-n", "m")
    control, other = experiment["arms"]
    assert control["users"] + other["users"] == 40
    assert control["users"] > other["users"] > 1
    assert control["calls"] + other["calls"] == 190
    assert control["cost_usd"]["difference"] is None
    assert control["cost_usd"]["mean"] > other["cost_usd"]["mean"] > 0
    assert other["cost_usd"]["low"] < other["cost_usd"]["difference"] < other["cost_usd"]["high"] < 0
    assert other["error_rate"]["low"] < 0 < other["error_rate"]["high"]


def test_an_organization_sees_its_own_experiment_only(trial: Place) -> None:
    with trial.one.client(key=ADMIN_KEY) as root:
        root.post("/admin/organizations", json={"id": "acme", "name": "Acme"})
        key = root.post("/admin/keys", json={"organization": "acme", "role": "viewer"}).json()["secret"]
        assert root.get("/routing/experiments").status_code == 400
        seen = root.get("/routing/experiments?organization=default").json()
        assert sum(arm["users"] for arm in seen["experiments"][0]["arms"]) == 40
    with trial.one.client(key=key) as other:
        found = other.get("/routing/experiments").json()
        assert found["organization"] == "acme"
        assert [arm["users"] for arm in found["experiments"][0]["arms"]] == [0, 0]
        assert other.get("/routing/experiments?organization=default").status_code in (403, 404)


def test_scores_are_of_the_users_arm(trial: Place) -> None:
    with trial.one.client() as client:
        for number in range(40):
            body = {"experiment": "m-or-n", "user": f"user-{number}", "score": number % 2}
            said = client.post("/routing/scores", json=body).json()
            assert said["arm"] == trial.deployment(model="both", user=f"user-{number}").partition("#")[0]
        arms = client.get("/routing/experiments").json()["experiments"][0]["arms"]
        assert all(arm["score"]["mean"] is not None for arm in arms)
        unknown = client.post("/routing/scores", json={"experiment": "nope", "score": 1})
        assert (unknown.status_code, unknown.json()["error"]["param"]) == (404, "experiment")


def readme_commands() -> list[str]:
    text = (Path(package.__file__).parent / "README.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return "".join(blocks).strip().replace("\\\n", " ").split("\n")


def test_the_commands_of_the_readme_work(trial: Place) -> None:
    commands = readme_commands()
    assert len(commands) == 4
    environ = {
        **os.environ,
        "COGNITUDE_API_KEY": KEY,
        "COGNITUDE_ADMIN_KEY": ADMIN_KEY,
        "COGNITUDE_URL": trial.one.url,
        "no_proxy": "*",
    }
    for command in commands:
        if command.startswith("cognitude "):
            done = subprocess.run(
                [*CLI, *shlex.split(command)[1:]],
                cwd=trial.folder,
                env=environ,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert "m-or-n" in done.stdout
        else:
            moved = command.replace("http://127.0.0.1:8080", trial.one.url).replace("small-or-large", "m-or-n")
            moved += " --silent --show-error --fail-with-body"
            done = subprocess.run(["sh", "-c", moved], env=environ, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    ("rule", "command", "message"),
    [
        ("{strategy: fastest}", "check", "rules[0].strategy"),
        ("{strategy: weighted, when: 'call.modle == 1'}", "check", "reads call.modle"),
        ("{strategy: weighted, weights: {m: -1}}", "check", "greater than 0"),
        ("{models: [mm], strategy: weighted}", "serve", "rules[0].models[0]: is no model of this configuration"),
        (
            "{strategy: canary, canary: {deployment: 'm#4', steps: [{share: 1}]}}",
            "serve",
            "rules[0].canary.deployment: is no deployment of this configuration",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_served(tmp_path: Path, rule: str, command: str, message: str) -> None:
    nobody = ("http://127.0.0.1:9",) * 3
    (tmp_path / "plugins.yaml").write_text(MODELS.format(*nobody) + rules(rule))
    done = subprocess.run(
        [*CLI, command, "--config", "plugins.yaml"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
