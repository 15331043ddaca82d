"""The plugin: its configuration, its hook, and the example of its README."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

import cognitude_plugins.request_defaults as package
from cognitude_plugins.request_defaults import RequestDefaults
from cognitude_plugins.request_defaults.plugin import Config
from hooks.testing import check_plugin, exercise, make_call

README = (Path(package.__file__).parent / "README.md").read_text()


def plugin(*rules: dict[str, Any]) -> RequestDefaults:
    return RequestDefaults(Config.model_validate({"rules": list(rules)}))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_it_keeps_the_contract() -> None:
    check_plugin(plugin())


async def test_the_readmes_example_does_what_the_readme_says() -> None:
    entry = YAML(typ="safe").load(blocks("yaml")[0])["pipeline"][0]
    assert entry["use"] == "request_defaults"
    before, after = (json.loads(block) for block in blocks("json"))
    seen = await exercise(RequestDefaults(Config.model_validate(entry["config"])), call=make_call(before))
    assert seen.call is not None
    assert seen.call.body == after


async def test_a_call_that_no_rule_is_for_keeps_its_bytes() -> None:
    call = make_call()
    one = plugin(
        {"models": ["gpt-*"], "defaults": {"n": 1}},
        {"organizations": ["other"], "defaults": {"n": 1}},
        {"apis": ["embeddings"], "defaults": {"n": 1}},
    )
    seen = await exercise(one, call=call)
    assert seen.call is call


async def test_a_call_that_already_is_as_the_rules_want_it_keeps_its_bytes() -> None:
    call = make_call({"model": "sim", "n": 1, "messages": [{"role": "system", "content": "Acme."}]})
    seen = await exercise(plugin({"defaults": {"n": 2}, "caps": {"n": 3}, "system_prefix": "Acme."}), call=call)
    assert seen.call is call


async def test_a_refusal_is_a_400_that_names_the_field_and_no_provider_is_asked() -> None:
    call = make_call({"model": "sim", "messages": [], "logit_bias": {"1": 1}})
    seen = await exercise(plugin({"forbidden": ["logit_bias"]}), call=call)
    assert seen.call is None
    assert seen.reply.status == 400
    assert seen.body["error"]["param"] == "logit_bias"
    assert seen.body["error"]["type"] == "invalid_request_error"


async def test_several_rules_prefixes_come_in_the_order_of_the_rules() -> None:
    seen = await exercise(plugin({"system_prefix": "One."}, {"system_prefix": "Two."}), call=make_call())
    assert seen.call is not None
    assert seen.call.body["messages"][0] == {"role": "system", "content": "One.\n\nTwo."}


async def test_a_dry_run_decides_the_same_and_leaves_no_state() -> None:
    one = plugin({"defaults": {"temperature": 0}})
    dry, real = make_call(dry_run=True), make_call()
    first, second = await exercise(one, call=dry), await exercise(one, call=real)
    assert first.call is not None
    assert second.call is not None
    assert first.call.body == second.call.body
    assert dry.state == {}


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"caps": {"n": "many"}}, "the cap of 'n' must be a number, not 'many'"),
        ({"caps": {"n": True}}, "the cap of 'n' must be a number"),
        ({"caps": {"temperature": float("nan")}}, "finite"),
        ({"caps": {"max_tokens": -1}}, "the cap of 'max_tokens' must not be negative"),
        ({"forbidden": ["n"], "defaults": {"n": 1}}, "'n' is both forbidden and given a default"),
        ({"defaults": {"n": 5}, "caps": {"n": 3}}, "the default of 'n', 5, is above its cap of 3"),
        ({"defaults": {"n": "5"}, "caps": {"n": 3}}, "the default of 'n' must be a number"),
        ({"defaults": {"model": "x"}}, "'model' cannot be in defaults: the gateway routes by it"),
        ({"forbidden": ["stream"]}, "'stream' cannot be in forbidden: the client decides"),
        ({"caps": {"messages": 3}}, "'messages' cannot be in caps"),
        ({"models": []}, "at least 1 item"),
        ({"apis": ["chats"]}, "chat"),
        ({"on_exceed": "clip"}, "'lower' or 'refuse'"),
        ({"default": {}}, "Extra inputs"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(rule: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        plugin(rule)
    assert says in str(caught.value)


def test_every_setting_is_described() -> None:
    schema = Config.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        assert all("description" in field for field in model["properties"].values())
