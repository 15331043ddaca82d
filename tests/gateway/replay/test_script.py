"""Attempts come out as they went in, deployment by deployment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.replay.script import Attempt, Script

ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from(["small", "small#2", "openai/o1:x", "a b"]),
        st.sampled_from(["ok", "status_503", "timeout", "circuit_open"]),
        st.integers(0, 100_000),
    ),
    max_size=8,
)


@given(ATTEMPTS)
def test_every_attempt_is_played_once_in_its_order(attempts: list[tuple[str, str, int]]) -> None:
    script = Script("; ".join(f"{id} {outcome} {ms}" for id, outcome, ms in attempts))
    assert script.order == tuple(dict.fromkeys(id for id, _, _ in attempts))
    for id, outcome, ms in attempts:
        assert script.next(id) == script.last(id) == Attempt(outcome, ms / 1000)
    assert all(script.next(id) is None and not script.more(id) for id in script.order)


def test_a_row_without_attempts_and_one_that_was_cut_off_have_what_they_have() -> None:
    assert Script(None).order == ()
    assert Script("small ok 3; lar").order == ("small",)
