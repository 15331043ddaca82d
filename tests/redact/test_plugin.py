"""The plugin in a pipeline: configuration, both directions, and what must never leak."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

import cognitude_plugins.redact as package
from cognitude_plugins.redact import Redact
from cognitude_plugins.redact.plugin import Config
from hooks import Call, Reply
from hooks.testing import check_plugin, completion, exercise, make_call, streamed

README = (Path(package.__file__).parent / "README.md").read_text()


def redact(name: str = "redact", **config: Any) -> Redact:
    return Redact(Config.model_validate(config), name=name)


def asking(text: str, **fields: Any) -> Call:
    return make_call({"model": "sim", "messages": [{"role": "user", "content": text}], **fields})


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_it_keeps_the_contract() -> None:
    check_plugin(redact())


def test_it_fails_closed() -> None:
    assert Redact.on_error == "reject"


async def test_the_readmes_example_does_what_the_readme_says() -> None:
    entry = YAML(typ="safe").load(blocks("yaml")[0])["pipeline"][0]
    assert entry["use"] == "redact"
    before, after = (json.loads(block) for block in blocks("json"))
    said = Reply.json(completion("Dear [EMAIL_1]"))
    seen = await exercise(redact(**entry["config"]), call=make_call(before), answer=said)
    assert seen.call is not None
    assert seen.call.body == after
    assert seen.body["choices"][0]["message"]["content"] == "Dear ada@example.com"


async def test_a_card_number_across_chunks_is_restored() -> None:
    call = asking("Pay with 4111 1111 1111 1111", stream=True)
    seen = await exercise(redact(), call=call, answer=streamed("Use [", "CARD", "_1", "], please [CA"))
    assert seen.call is not None
    assert b"4111" not in seen.call.payload.raw
    assert seen.body["choices"][0]["message"]["content"] == "Use 4111 1111 1111 1111, please [CA"
    assert seen.raw.endswith(b"data: [DONE]\n\n")


async def test_a_placeholder_the_user_wrote_comes_back_untouched() -> None:
    said = Reply.json(completion("[EMAIL_1] is not [EMAIL_2]"))
    seen = await exercise(redact(), call=asking("What is [EMAIL_1]? Ask ada@example.com"), answer=said)
    assert seen.body["choices"][0]["message"]["content"] == "[EMAIL_1] is not ada@example.com"


async def test_a_value_the_model_writes_itself_is_not_touched() -> None:
    said = Reply.json(completion("bob@example.org knows [EMAIL_1]"))
    seen = await exercise(redact(), call=asking("I am ada@example.com"), answer=said)
    assert seen.body["choices"][0]["message"]["content"] == "bob@example.org knows ada@example.com"


async def test_a_call_in_which_nothing_is_found_keeps_its_bytes_both_ways() -> None:
    call = asking("Hello [EMAIL_1]")
    seen = await exercise(redact(), call=call, answer=Reply.json(completion("[EMAIL_1]")))
    assert seen.call is call
    assert seen.reply.layers == ()
    assert call.state == {}


async def test_placeholders_stay_in_the_answer_where_restoring_is_off() -> None:
    seen = await exercise(
        redact(restore=False), call=asking("ada@example.com"), answer=Reply.json(completion("[EMAIL_1]"))
    )
    assert seen.body["choices"][0]["message"]["content"] == "[EMAIL_1]"


async def test_embeddings_are_masked_and_nothing_is_kept() -> None:
    call = make_call({"model": "sim", "input": ["ada@example.com", "bob"]}, api="embeddings")
    seen = await exercise(redact(), call=call, answer=Reply.json({"data": []}))
    assert seen.call is not None
    assert seen.call.body["input"] == ["[EMAIL_1]", "bob"]
    assert call.state == {}


async def test_an_error_that_quotes_a_placeholder_is_restored() -> None:
    said = Reply.error(400, "What is [EMAIL_1]?")
    seen = await exercise(redact(), call=asking("ada@example.com"), answer=said)
    assert seen.body["error"]["message"] == "What is ada@example.com?"


async def test_a_watcher_below_sees_placeholders_and_one_above_sees_values() -> None:
    seen: list[Any] = []

    class Watching:
        from hooks import hookimpl

        @hookimpl
        def post_response(self, reply: Reply) -> Reply:
            return reply.on_complete(lambda outcome: seen.append(outcome.body["choices"][0]["message"]["content"]))

    said = Reply.json(completion("[EMAIL_1]"))
    await exercise(Watching(), redact(), Watching(), call=asking("ada@example.com"), answer=said)
    assert seen == ["[EMAIL_1]", "ada@example.com"]


async def test_two_entries_keep_their_values_apart() -> None:
    one, two = redact("one", find=["email"]), redact("two", find=["card"])
    call = asking("ada@example.com pays with 4111111111111111")
    seen = await exercise(one, two, call=call, answer=Reply.json(completion("[EMAIL_1] [CARD_1]")))
    assert seen.body["choices"][0]["message"]["content"] == "ada@example.com 4111111111111111"
    assert set(call.state) == {"one", "two"}


async def test_no_value_is_in_any_repr() -> None:
    call = asking("my key is sk-canarycanarycanarycanary")
    seen = await exercise(redact(), call=call, answer=Reply.json(completion("[KEY_1]")))
    for thing in (seen.call, call, call.state, seen.reply, seen.outcome, seen.reply.layers):
        assert "canary" not in repr(thing)


async def test_a_text_with_a_lone_surrogate_is_masked() -> None:
    call = asking("").set(messages=[{"role": "user", "content": "\ud800 ada@example.com"}])
    changed = redact().pre_request(call)
    assert changed is not None
    assert changed.body["messages"][0]["content"] == "\ud800 [EMAIL_1]"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"patterns": [{"name": "x", "pattern": "a+"}]}, "repeats without an end"),
        ({"patterns": [{"name": "x", "pattern": "("}]}, "is not a regular expression"),
        ({"patterns": [{"name": "email", "pattern": "a"}]}, "'email' is taken"),
        ({"patterns": [{"name": "x", "pattern": "a"}, {"name": "x", "pattern": "b"}]}, "'x' is taken"),
        ({"patterns": [{"name": "Big Name", "pattern": "a"}]}, "should match pattern"),
        ({"find": ["emails"]}, "'email', 'card'"),
        ({"restored": True}, "Extra inputs"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(config: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        redact(**config)
    assert says in str(caught.value)


def test_every_setting_is_described() -> None:
    schema = Config.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        assert all("description" in field for field in model["properties"].values())
