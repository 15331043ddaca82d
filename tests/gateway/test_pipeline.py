"""The list of plugins, down and up, and what each return value does to a call."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway.runtime import Runtime, build
from hooks import Call, ConfigError, Plan, Reply, hookimpl
from tests.gateway.calls import CHAT, KEY, STREAM, YAML, Chunks, Upstream, Watcher, asked, events, runtime_of, whole


def noting(order: list[str], name: str, **hooks: Any) -> Any:
    """A plugin of its own class, named ``name``, that notes when it is called."""

    @hookimpl
    async def pre_request(self: Any, call: Call) -> Any:
        order.append(f"{name} down")
        return hooks["pre_request"](call) if "pre_request" in hooks else None

    @hookimpl
    async def route(self: Any, call: Call, plan: Plan) -> Any:
        order.append(f"{name} route")
        return hooks["route"](plan) if "route" in hooks else None

    @hookimpl
    async def post_response(self: Any, call: Call, reply: Reply) -> Any:
        order.append(f"{name} up")
        return hooks["post_response"](reply) if "post_response" in hooks else None

    return type(name, (), {"pre_request": pre_request, "route": route, "post_response": post_response})()


async def test_the_list_is_run_down_and_then_up(tmp_path: Path) -> None:
    order: list[str] = []
    upstream = Upstream(lambda call: (order.append("provider"), whole())[1])
    client = await asked(runtime_of(tmp_path, noting(order, "a"), noting(order, "b"), upstream=upstream))
    assert client.status == 200
    assert order == ["a down", "b down", "a route", "b route", "provider", "b up", "a up"]


async def test_an_early_answer_stops_the_way_down_and_every_plugin_sees_it_on_the_way_up(tmp_path: Path) -> None:
    order: list[str] = []
    upstream = Upstream()
    plugins = [noting(order, "a"), noting(order, "b", pre_request=lambda call: whole("early")), noting(order, "c")]
    client = await asked(runtime_of(tmp_path, *plugins, upstream=upstream))
    assert order == ["a down", "b down", "c up", "b up", "a up"]
    assert upstream.asked == []
    assert client.headers["x-cognitude-source"] == "b"


async def test_a_changed_call_is_what_the_next_plugin_and_the_provider_get(tmp_path: Path) -> None:
    seen: list[Any] = []
    plugins = [
        noting([], "a", pre_request=lambda call: call.set(temperature=0.5)),
        noting([], "b", pre_request=lambda call: seen.append(call.body["temperature"])),
    ]
    upstream = Upstream()
    await asked(runtime_of(tmp_path, *plugins, upstream=upstream))
    assert seen == [0.5]
    assert json.loads(upstream.asked[0][1])["temperature"] == 0.5


async def test_nothing_changed_means_the_clients_own_bytes_but_for_the_model(tmp_path: Path) -> None:
    body = (
        b'{ "model" : "up","messages":[{"role":"user","content":"caf\\u00e9"}], "seed":123456789012345678901234567890 }'
    )
    upstream = Upstream()
    await asked(runtime_of(tmp_path, noting([], "a"), upstream=upstream), body)
    assert upstream.asked[0][1] == body.replace(b'"model" : "up"', b'"model":"echo"')


async def test_a_router_may_answer_that_nothing_can_do_what_is_asked(tmp_path: Path) -> None:
    refusal = Reply.error(400, "No model here can see.", code="no_capable_model")
    order: list[str] = []
    plugins = [noting(order, "a", route=lambda plan: refusal), noting(order, "b")]
    client = await asked(runtime_of(tmp_path, *plugins, upstream=Upstream()))
    assert (client.status, client.json["error"]["code"]) == (400, "no_capable_model")
    assert client.headers["x-cognitude-source"] == "a"
    assert order == ["a down", "b down", "a route", "b up", "a up"]


async def test_a_later_router_wins_and_an_earlier_one_breaks_its_ties(tmp_path: Path) -> None:
    plugins = [
        noting([], "a", route=lambda plan: plan.rank(lambda one: -len(one.id), why="longest")),
        noting([], "b", route=lambda plan: plan.rank(lambda one: 0, why="all alike")),
    ]
    upstream = Upstream()
    client = await asked(runtime_of(tmp_path, *plugins, upstream=upstream))
    assert upstream.asked[0][2].deployment.id == "up#2"
    assert client.headers["x-cognitude-route"] == "longest; all alike"


async def test_a_plan_left_empty_is_a_503_that_says_why(tmp_path: Path) -> None:
    watcher = Watcher()
    plugins = [watcher, noting([], "a", route=lambda plan: plan.keep(lambda one: False, why="none is in the EU"))]
    client = await asked(runtime_of(tmp_path, *plugins, upstream=Upstream()))
    assert client.status == 503
    assert client.json["error"]["code"] == "no_deployment"
    assert "none is in the EU" in client.json["error"]["message"]
    assert (watcher.only.source, watcher.only.cost_nano_usd) == ("error", 0)


async def test_an_unknown_model_is_a_404_with_the_nearest_name_and_goes_the_way_up(tmp_path: Path) -> None:
    order: list[str] = []
    client = await asked(runtime_of(tmp_path, noting(order, "a"), upstream=Upstream()), {**CHAT, "model": "simm"})
    assert client.status == 404
    assert client.json["error"]["code"] == "model_not_found"
    assert client.json["error"]["param"] == "model"
    assert "Did you mean 'sim'?" in client.json["error"]["message"]
    assert order == ["a down", "a up"]


async def test_a_dry_run_says_what_would_be_done_and_calls_no_provider(tmp_path: Path) -> None:
    upstream = Upstream()
    plugin = noting([], "a", route=lambda plan: plan.rank(lambda one: -len(one.id), why="longest"))
    runtime = runtime_of(tmp_path, plugin, upstream=upstream)
    client = await asked(runtime, headers={"x-cognitude-dry-run": "true"})
    assert upstream.asked == []
    assert client.json["object"] == "cognitude.decision"
    assert client.json["deployments"] == ["up#2", "up"]
    assert client.json["reasons"] == ["longest"]
    assert client.headers["x-cognitude-source"] == "dry_run"


async def test_a_shadowed_plugin_decides_nothing_and_is_written_down(tmp_path: Path) -> None:
    watcher = Watcher()
    seen: list[Any] = []
    hooks = {
        "pre_request": lambda call: call.set(temperature=0.5),
        "route": lambda plan: plan.keep(lambda one: one.id == "up#2", why="cheaper"),
        "post_response": lambda reply: Reply.error(403, "No.").on_complete(seen.append),
    }
    upstream = Upstream()
    runtime = runtime_of(tmp_path, noting([], "shy", **hooks), upstream=upstream, mode="shadow")
    client = await asked(runtime)
    assert client.status == 200
    assert "temperature" not in json.loads(upstream.asked[0][1])
    assert upstream.asked[0][2].deployment.id == "up"
    told = [(one.plugin, one.stage, one.would) for one in seen[0].decisions]
    assert told == [
        ("shy", "pre_request", "change temperature"),
        ("shy", "route", "try up#2"),
        ("shy", "post_response", "turn 200 into 403"),
    ]
    assert (seen[0].status, seen[0].reasons) == (200, ())
    assert runtime.pipeline.faults["shy"].as_dict()["shadow"] == {
        "pre_request: change temperature": 1,
        "route: try up#2": 1,
        "post_response: turn 200 into 403": 1,
    }
    assert not watcher.outcomes


async def test_a_shadowed_early_answer_lets_the_provider_answer(tmp_path: Path) -> None:
    upstream = Upstream()
    plugin = noting([], "shy", pre_request=lambda call: Reply.error(429, "Too many."))
    client = await asked(
        runtime_of(tmp_path, plugin, upstream=upstream, mode="shadow"), headers={"x-cognitude-dry-run": "1"}
    )
    assert client.json["shadow"] == [{"plugin": "shy", "stage": "pre_request", "would": "answer with 429"}]
    assert (await asked(runtime_of(tmp_path, plugin, upstream=upstream, mode="shadow"))).status == 200


async def test_a_shadowed_plugin_that_replaces_a_stream_does_not_close_it(tmp_path: Path) -> None:
    source = Chunks(events("Hel", "lo"))
    plugin = noting([], "shy", post_response=lambda reply: Reply(chunks=Chunks(events("other"))))
    upstream = Upstream(lambda call: Reply(chunks=source))
    client = await asked(runtime_of(tmp_path, plugin, upstream=upstream, mode="shadow"), STREAM)
    assert client.text == "Hello"


async def test_a_replaced_reply_keeps_the_watchers_of_the_one_it_replaces(tmp_path: Path) -> None:
    first, second = Watcher(), noting([], "second", post_response=lambda reply: Reply.error(418, "Teapot."))
    runtime = runtime_of(tmp_path, second, first, upstream=Upstream())
    client = await asked(runtime)
    assert client.status == 418
    assert first.only.status == 418
    assert first.only.body["error"]["message"] == "Teapot."


async def test_server_timing_names_every_plugin_where_it_is_asked_for(tmp_path: Path) -> None:
    plugins = [noting([], "one"), noting([], "two")]
    yaml = YAML.replace("data_dir: data", "data_dir: data\n  server_timing_header: x-timing")
    runtime = runtime_of(tmp_path, *plugins, upstream=Upstream(), yaml=yaml)
    assert "server-timing" not in (await asked(runtime)).headers
    assert "server-timing" not in (await asked(runtime, headers={"x-timing": "0"})).headers
    rows = (await asked(runtime, headers={"X-Timing": "1"})).headers["server-timing"].split(", ")
    assert [row.split(";dur=")[0] for row in rows] == ["one", "two", "provider", "total"]
    assert all(float(row.split(";dur=")[1]) >= 0 for row in rows)
    always = runtime_of(tmp_path, upstream=Upstream(), yaml=YAML.replace("data_dir: data", "server_timing: true"))
    assert "total;dur=" in (await asked(always)).headers["server-timing"]


@pytest.mark.parametrize("option", ["tryfirst", "trylast", "hookwrapper", "wrapper"])
async def test_an_order_other_than_the_lists_is_refused_when_it_is_loaded(tmp_path: Path, option: str) -> None:
    (tmp_path / "mine.py").write_text(
        "from hooks import hookimpl\n"
        f"@hookimpl({option}=True)\n"
        f"def pre_request(call):\n    {'yield' if 'wrapper' in option else 'return None'}\n"
    )
    (tmp_path / "plugins.yaml").write_text(YAML.replace("pipeline: []", "pipeline: [{use: ./mine.py}]"))
    with pytest.raises(ConfigError, match=option):
        build(tmp_path / "plugins.yaml", {})


async def test_compiled_lines_are_in_running_order(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path, noting([], "a"), noting([], "b"), upstream=Upstream())
    assert [(line.stage, line.policy.plugin) for line in runtime.pipeline.lines] == [
        ("pre_request", "a"),
        ("pre_request", "b"),
        ("route", "a"),
        ("route", "b"),
        ("post_response", "b"),
        ("post_response", "a"),
    ]


ALIAS = """
gateway: {data_dir: data}
models:
  - {name: small, provider: simulated/echo}
  - {name: large, provider: simulated/echo}
  - {name: auto, candidates: [large, small]}
"""


def with_models(folder: Path, *models: str, yaml: str = ALIAS) -> Runtime:
    """A runtime with one key, which may use these models."""
    key = f"{{id: test, secret: {KEY}, organization: acme, models: [{', '.join(models)}]}}"
    return runtime_of(folder, yaml=yaml.replace("data_dir: data", f"data_dir: data, keys: [{key}]"))


@pytest.mark.parametrize(
    ("models", "asked_for", "deployment"),
    [
        (("small",), "small", "small"),
        (("small",), "large", None),
        (("small",), "auto", "small"),
        (("auto",), "auto", "large"),
        (("auto",), "large", None),
        (("l*",), "auto", "large"),
        (("other",), "auto", None),
    ],
)
async def test_a_key_reaches_only_the_models_it_may_use(
    tmp_path: Path, models: tuple[str, ...], asked_for: str, deployment: str | None
) -> None:
    client = await asked(with_models(tmp_path, *models), {**CHAT, "model": asked_for})
    assert client.headers.get("x-cognitude-model") == deployment
    assert client.status == (404 if deployment is None else 200)


async def test_a_model_that_a_key_may_not_use_does_not_exist_for_it(tmp_path: Path) -> None:
    runtime = with_models(tmp_path, "small")
    forbidden = await asked(runtime, {**CHAT, "model": "large"})
    unknown = await asked(runtime, {**CHAT, "model": "larga"})
    assert forbidden.raw.replace(b"large", b"larga") == unknown.raw


async def test_a_plugin_cannot_widen_what_a_key_may_use(tmp_path: Path) -> None:
    class Upgrade:
        @hookimpl
        async def pre_request(self, call: Call) -> Call:
            return call.set(model="large")

    path = tmp_path / "plugins.yaml"
    runtime = with_models(tmp_path, "small")
    yaml = path.read_text()
    upgraded = runtime_of(tmp_path, Upgrade(), yaml=yaml)
    assert (await asked(upgraded, {**CHAT, "model": "small"})).status == 404
    assert (await asked(runtime, {**CHAT, "model": "small"})).status == 200


async def test_a_model_without_a_price_is_refused_where_a_price_is_required(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path, upstream=Upstream())
    runtime.pipeline = replace(runtime.pipeline, unpriced=lambda deployment: deployment.id == "up")
    client = await asked(runtime)
    assert (client.status, client.headers["x-cognitude-model"]) == (200, "up#2"), "the deployment that has one"
    runtime.pipeline = replace(runtime.pipeline, unpriced=lambda deployment: True)
    client = await asked(runtime)
    assert (client.status, client.json["error"]["code"]) == (400, "unpriced_model")
