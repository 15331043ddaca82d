"""The rules applied to a body: defaults, caps, forbidden fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.request_defaults.names import Names
from cognitude_plugins.request_defaults.rules import Refused, Rule, settle

ANY = Names(["*"])


def rule(**fields: Any) -> Rule:
    return Rule(models=ANY, organizations=ANY, **fields)


def test_a_default_is_set_only_where_the_field_is_absent_or_null() -> None:
    rules = [rule(defaults={"temperature": 0.2})]
    assert settle({}, rules) == {"temperature": 0.2}
    assert settle({"temperature": None}, rules) == {"temperature": 0.2}
    assert settle({"temperature": 0}, rules) == {"temperature": 0}


def test_a_later_rules_default_replaces_an_earlier_ones() -> None:
    assert settle({}, [rule(defaults={"a": 1, "b": 1}), rule(defaults={"b": 2})]) == {"a": 1, "b": 2}


def test_a_value_above_its_cap_is_lowered_and_one_below_is_left() -> None:
    rules = [rule(caps={"temperature": 1})]
    assert settle({"temperature": 1.7}, rules) == {"temperature": 1}
    assert settle({"temperature": 0.7}, rules) == {"temperature": 0.7}
    assert settle({"temperature": -2}, rules) == {"temperature": -2}


def test_a_cap_says_nothing_of_an_absent_field() -> None:
    assert settle({}, [rule(caps={"max_tokens": 10})]) == {}
    assert settle({"max_tokens": None}, [rule(caps={"max_tokens": 10})]) == {"max_tokens": None}


def test_the_lowest_of_several_rules_caps_holds() -> None:
    assert settle({"n": 9}, [rule(caps={"n": 5}), rule(caps={"n": 2}), rule(caps={"n": 7})]) == {"n": 2}


def test_a_value_above_its_cap_is_refused_where_the_rule_says_so() -> None:
    with pytest.raises(Refused, match="'n' is 9; at most 5") as caught:
        settle({"n": 9}, [rule(caps={"n": 5}, on_exceed="refuse")])
    assert caught.value.param == "n"


def test_a_default_above_another_rules_cap_is_lowered_and_never_blamed_on_the_client() -> None:
    rules = [rule(defaults={"n": 9}), rule(caps={"n": 5}, on_exceed="refuse")]
    assert settle({}, rules) == {"n": 5}


@pytest.mark.parametrize("value", ["9999", True, [1], {"a": 1}])
def test_what_is_no_number_in_a_capped_field_is_refused(value: Any) -> None:
    with pytest.raises(Refused, match="must be a number"):
        settle({"max_tokens": value}, [rule(caps={"max_tokens": 10})])


def test_a_negative_token_limit_counts_as_no_limit() -> None:
    assert settle({"max_tokens": -1}, [rule(caps={"max_tokens": 10})]) == {"max_tokens": 10}


def test_the_newer_name_of_a_token_limit_does_not_get_around_the_cap() -> None:
    rules = [rule(caps={"max_tokens": 10})]
    assert settle({"max_completion_tokens": 500}, rules) == {"max_completion_tokens": 10}
    assert settle({"max_tokens": 500, "max_completion_tokens": 500}, rules) == {
        "max_tokens": 10,
        "max_completion_tokens": 10,
    }
    assert settle({"max_completion_tokens": 500}, [rule(caps={"max_tokens": 10, "max_completion_tokens": 90})]) == {
        "max_completion_tokens": 90
    }


def test_a_token_limit_is_not_set_a_second_time_under_its_other_name() -> None:
    assert settle({"max_completion_tokens": 5}, [rule(defaults={"max_tokens": 9})]) == {"max_completion_tokens": 5}
    assert settle({}, [rule(defaults={"max_tokens": 9}), rule(defaults={"max_completion_tokens": 7})]) == {
        "max_completion_tokens": 7
    }


def test_a_forbidden_field_is_refused_by_name_or_dropped() -> None:
    with pytest.raises(Refused, match="'logit_bias' is not allowed") as caught:
        settle({"logit_bias": {}}, [rule(forbidden=("logit_bias",))])
    assert caught.value.param == "logit_bias"
    assert settle({"logit_bias": {}, "n": 1}, [rule(forbidden=("logit_bias",), on_forbidden="drop")]) == {"n": 1}


def test_a_forbidden_field_that_is_null_is_not_refused() -> None:
    assert settle({"logit_bias": None}, [rule(forbidden=("logit_bias",))]) == {"logit_bias": None}


def test_a_field_clients_may_not_choose_gets_the_operators_value() -> None:
    rules = [rule(forbidden=("service_tier",), on_forbidden="drop"), rule(defaults={"service_tier": "flex"})]
    assert settle({"service_tier": "priority"}, rules) == {"service_tier": "flex"}


NAMES = st.sampled_from(["max_tokens", "max_completion_tokens", "n", "temperature"])
NUMBERS = st.integers(-3, 20) | st.floats(-3, 20)
BODIES = st.dictionaries(NAMES | st.sampled_from(["user", "stop"]), NUMBERS | st.none())
RULES = st.lists(
    st.builds(
        rule,
        caps=st.dictionaries(NAMES, st.integers(0, 20) | st.floats(0, 20)),
        defaults=st.dictionaries(NAMES, NUMBERS),
        forbidden=st.lists(st.sampled_from(["user", "stop"])).map(tuple),
        on_forbidden=st.just("drop"),
    ),
    max_size=4,
)


@given(BODIES, RULES)
def test_nothing_goes_out_above_a_cap_and_a_second_pass_changes_nothing(
    body: dict[str, Any], rules: list[Rule]
) -> None:
    before = dict(body)
    settled = settle(body, rules)
    assert body == before
    for one in rules:
        for name, cap in one.caps.items():
            assert settled.get(name) is None or settled[name] <= cap
        assert not {"user", "stop"} & settled.keys() & set(one.forbidden)
    assert settle(settled, rules) == settled
