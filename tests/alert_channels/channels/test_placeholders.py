"""JSON that is filled in: values are put in as values, whatever they are."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.alert_channels.channels import placeholders
from tests.alert_channels.receivers import message


def filled(template: Any, **more: Any) -> Any:
    return json.loads(
        orjson.dumps(placeholders.filled(template, {**placeholders.values(message(**more)), "secret.k": "s3"}))
    )


def test_a_place_alone_is_its_value_and_one_among_words_its_text() -> None:
    found = filled(
        {
            "all": "{data}",
            "words": "{severity}: {title} {{not}} {data}",
            "deep": [{"kind": "{kind}", "number": 3, "none": None}],
            "key": "Token {secret.k}",
        }
    )
    assert found == {
        "all": {"value": 0.12, "threshold": 0.05},
        "words": 'critical: Error rate is 12 % {not} {"value":0.12,"threshold":0.05}',
        "deep": [{"kind": "firing", "number": 3, "none": None}],
        "key": "Token s3",
    }


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nothing_that_is_filled_in_becomes_a_part_of_the_form(text: str) -> None:
    found = filled({"a": "{about}", "b": ["x {organization} y"]}, about=text or "-", organization=text)
    assert found == {"a": text or "-", "b": [f"x {text} y"]}


@pytest.mark.parametrize(
    ("template", "rule"),
    [
        ({"a": "{titel}"}, r"^body\.a: there is no \{titel\}; there are id, kind"),
        ({"a": {"b": ["x {secret.q}"]}}, r"^body\.a\.b\.0: there is no 'q' in secrets"),
        ({"a": "{"}, r"^body\.a: a brace is written twice"),
        ({"a": "}x"}, r"^body\.a: a brace is written twice"),
        ({"a": "{title.__class__}"}, "there is no"),
        ({"a": "{}"}, "there is no"),
    ],
)
def test_a_place_that_nothing_is_filled_into_is_refused(template: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        placeholders.check(template, {"k"})


def test_every_place_that_is_offered_is_filled() -> None:
    assert set(placeholders.NAMES) == set(placeholders.values(message()))
    placeholders.check({"a": [f"{{{name}}}" for name in placeholders.NAMES]}, ())
