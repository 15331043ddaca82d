"""What changed is said by name and place, and no secret with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from cognitude_plugins.gateway.loader import Loaded
from cognitude_plugins.gateway.replay.differences import HIDDEN, differences, secrets_of
from cognitude_plugins.gateway.settings import Step


def found(before: Any, after: Any) -> list[tuple[str, str, Any, Any]]:
    return [(one.kind, one.path, one.before, one.after) for one in differences(before, after)]


def test_entries_and_models_are_known_by_their_names() -> None:
    before = {
        "models": [{"name": "m", "price": {"input": 1}}, {"name": "m", "provider": "a/b"}],
        "pipeline": [{"use": "limiter"}, {"use": "redis_cache", "config": {"max_age": 5}}, {"use": "./mine.py"}],
    }
    after = {
        "models": [{"name": "m", "price": {"input": 2}}, {"name": "m", "provider": "a/c"}],
        "pipeline": [{"use": "redis_cache", "config": {"max_age": 6}}, {"use": "limiter"}, {"use": "balancer"}],
        "services": {"redis": "embedded"},
    }
    assert found(before, after) == [
        ("changed", "models.m.price.input", 1, 2),
        ("changed", "models.m#2.provider", "a/b", "a/c"),
        ("removed", "pipeline.mine", {"use": "./mine.py"}, None),
        ("changed", "pipeline.redis_cache.config.max_age", 5, 6),
        ("moved", "pipeline.limiter", 1, 2),
        ("added", "pipeline.balancer", None, {"use": "balancer"}),
        ("added", "services", None, {"redis": "embedded"}),
    ]


def test_secrets_are_hidden_wherever_they_stand_and_references_are_not() -> None:
    secret = "s3cret-of-somebody"
    after = {
        "gateway": {"keys": [{"id": "k", "secret": secret}], "proxy": f"http://me:{secret}@proxy:1"},
        "services": {"redis": f"redis://:{secret}@host:6379", "database": {"url": f"postgresql://u:{secret}@h/d"}},
        "models": [
            {"name": "m", "api_key": secret, "headers": {"x-team": secret}, "options": {"query": {"api-key": secret}}},
            {"name": "n", "api_key": "${OPENAI_API_KEY}"},
        ],
        "pipeline": [{"use": "x", "config": {"hooks": [{"url": f"https://a:{secret}@b/c", "token": secret}]}}],
    }
    text = json.dumps([one.as_dict() for one in differences({}, after)])
    assert secret not in text
    assert "${OPENAI_API_KEY}" in text
    changed = {**after, "models": [{"name": "m", "api_key": "other"}, after["models"][1]]}
    assert secret not in json.dumps([one.as_dict() for one in differences(after, changed)])


def test_what_a_schema_calls_secret_is_hidden_under_any_name() -> None:
    class Config(BaseModel):
        where: SecretStr

    entry = Step(use="x", config={"where": "https://in.example/s3cret"})
    loaded = Loaded(
        entry=entry,
        name="x",
        plugin=object(),
        config=Config(where=SecretStr("")),
        mode="enforce",
        on_error="skip",
        timeout=None,
        origin="test",
    )
    after = {"pipeline": [{"use": "x", "config": {"where": "https://in.example/s3cret"}}]}
    (one,) = differences({}, after, secrets_of([loaded]))
    assert "s3cret" not in json.dumps(one.as_dict())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (
            "postgresql://u:p/w@h/db?password=LEAK&sslpassword=LEAK",
            f"postgresql://{HIDDEN}@h/db?password=*&sslpassword=*",
        ),
        ("https://h/v1?api-key=LEAK LEAK&LEAK#token=LEAK", "https://h/v1?api-key=*&*#token=*"),
        ("${HOST}/v1?api-key=LEAK", "${HOST}/v1?api-key=*"),
        ("see https://h/v1?k=LEAK, is it so?", "see https://h/v1?k=* is it so?"),
        ("Is it so? Yes & no", "Is it so? Yes & no"),
    ],
)
def test_no_value_of_an_address_is_shown(value: str, shown: str) -> None:
    ((_, _, _, after),) = found({}, {"models": [{"name": "m", "base_url": value}]})
    assert after["base_url"] == shown.replace(HIDDEN, "*").replace("*", HIDDEN)


def test_where_it_is_not_known_what_is_secret_no_text_of_settings_is_shown() -> None:
    before = {"pipeline": [{"use": "x", "config": {"where": "LEAK", "most": 1}}, {"use": "y"}]}
    after = {"pipeline": [{"use": "x", "config": {"where": "LEAK2", "most": 2}}, {"use": "z", "config": ["LEAK"]}]}
    texts = [one.as_dict() for one in differences(before, after, None)]
    assert "LEAK" not in json.dumps(texts)
    assert [(one["path"], one["after"]) for one in texts] == [
        ("pipeline.y", None),
        ("pipeline.x.config.where", HIDDEN),
        ("pipeline.x.config.most", 2),
        ("pipeline.z", {"use": "z", "config": [HIDDEN]}),
    ]


def test_a_key_that_is_moved_to_another_organization_is_seen_to_be() -> None:
    one, other = ({"gateway": {"keys": [{"id": "k", "organization": name, "secret": name}]}} for name in ("a", "b"))
    assert found(one, other) == [
        ("changed", "gateway.keys[0].organization", "a", "b"),
        ("changed", "gateway.keys[0].secret", HIDDEN, HIDDEN),
    ]
    assert found({}, one)[0][3]["keys"][0]["organization"] == "a"
    model = {"models": [{"name": "m", "options": {"organization": "org-1"}}]}
    assert found({}, model)[0][3]["options"]["organization"] == HIDDEN


ENTRIES = st.dictionaries(
    st.sampled_from(["name", "use", "config"]), st.integers(0, 3) | st.text("ab:/@?=&${}", max_size=6)
)
VALUES = st.none() | st.integers(0, 3) | st.lists(ENTRIES | st.integers(0, 3), max_size=3) | ENTRIES
DOCUMENTS = st.dictionaries(st.sampled_from(["models", "pipeline", "gateway", "services"]), VALUES)


@given(DOCUMENTS, DOCUMENTS)
def test_only_what_is_the_same_has_no_differences(before: Any, after: Any) -> None:
    assert differences(before, before) == ()
    assert all(one.path for one in differences(before, after))


def test_the_fewest_entries_are_said_to_have_moved() -> None:
    names = [{"use": name} for name in "abcde"]
    assert [one.path for one in differences({"pipeline": names}, {"pipeline": [*names[1:], names[0]]})] == [
        "pipeline.a"
    ]
