"""How faults are written, and which calls they strike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.providers.simulated.faults import KINDS, Dice, Fault, parse_fault, parse_faults
from cognitude_plugins.gateway.providers.simulated.settings import Settings


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("refuse", Fault(text="refuse", kind="refuse")),
        ("reset", Fault(text="reset", kind="reset", place=2)),
        ("reset@0", Fault(text="reset@0", kind="reset", place=0)),
        ("resetx5", Fault(text="resetx5", kind="reset", place=2, count=5)),
        ("stall@7:0.25", Fault(text="stall@7:0.25", kind="stall", place=7, rate=0.25)),
        ("slow_head=1.5", Fault(text="slow_head=1.5", kind="slow_head", value=1.5)),
        ("slow_head", Fault(text="slow_head", kind="slow_head", value=5.0)),
        ("429=30x2", Fault(text="429=30x2", kind="429", value=30.0, count=2)),
        ("429_bare:.5", Fault(text="429_bare:.5", kind="429_bare", rate=0.5)),
        (" 503:1 ", Fault(text="503:1", kind="503", rate=1.0)),
        ("context_lengthx1", Fault(text="context_lengthx1", kind="context_length", count=1)),
    ],
)
def test_a_fault_is_read(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rest", "did you mean 'reset'"),
        ("200", "'200' is not a kind"),
        ("600", "'600' is not a kind"),
        ("503:1.5", "the rate 1.5 is not above 0 and at most 1"),
        ("503:0", "the rate 0"),
        ("503x0", "leave the fault out"),
        ("refuse@3", "refuse takes no @place"),
        ("503=3", "503 takes no =value"),
        ("503:0.5x2", "is not of the form"),
        ("reset@-1", "is not of the form"),
        ("", "is not of the form"),
        ("xyz", "known are"),
    ],
)
def test_a_wrong_fault_is_refused_with_its_text_and_the_rule(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_fault(text)
    assert said in str(caught.value)
    assert repr(text) in str(caught.value)


def test_faults_are_a_text_or_a_list() -> None:
    assert parse_faults("503, reset@1,") == parse_faults(["503", "reset@1"])


@given(st.sampled_from(KINDS), st.sampled_from(["", ":0.5", "x3"]))
def test_every_kind_may_have_a_rate_or_a_count(kind: str, often: str) -> None:
    assert parse_fault(kind + often).kind == kind


@given(st.text(max_size=20))
def test_any_other_text_is_a_value_error(text: str) -> None:
    try:
        parse_fault(text)
    except ValueError:
        return


def test_a_count_strikes_the_first_calls_and_no_others() -> None:
    dice, faults = Dice(0), parse_faults("503x2")
    assert [len(dice.strike(faults)) for _ in range(5)] == [1, 1, 0, 0, 0]


def test_a_rate_is_met_and_the_same_seed_strikes_the_same_calls() -> None:
    faults = parse_faults("503:0.1")
    first, again, other = ([len(dice.strike(faults)) for _ in range(2000)] for dice in (Dice(1), Dice(1), Dice(2)))
    assert first == again != other
    assert 150 < sum(first) < 250


def test_any_number_of_different_faults_is_remembered_in_bounded_space() -> None:
    dice = Dice(0)
    for number in range(3000):
        dice.strike(parse_faults(f"reset@{number}x1,reset@{number}:0.5"))
    assert len(dice._struck) <= 1024
    assert len(dice._random) <= 1024


def test_options_are_read() -> None:
    options = {"latency_ms": 5, "chunk_ms": 0.5, "faults": ["503", "reset@1"], "completion_tokens": None}
    settings = Settings.of(options)
    assert (settings.latency_ms, settings.chunk_ms, settings.completion_tokens) == (5, 0.5, None)
    assert [fault.kind for fault in settings.faults] == ["503", "reset"]
    assert Settings.of({}) == Settings()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"latncy_ms": 5}, "did you mean 'latency_ms'"),
        ({"latency_ms": -1}, "latency_ms is -1"),
        ({"latency_ms": "5"}, "latency_ms is '5'"),
        ({"latency_ms": True}, "latency_ms is True"),
        ({"latency_ms": float("nan")}, "latency_ms is nan"),
        ({"tokens_per_chunk": 0}, "tokens_per_chunk is 0"),
        ({"tokens_per_chunk": 1.5}, "a whole number"),
        ({"faults": 503}, "faults is 503"),
        ({"faults": ["503", "nope"]}, "'nope' is not a kind"),
    ],
)
def test_a_wrong_option_is_refused_by_name(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        Settings.of(options)
    assert said in str(caught.value)
