"""A decision in one line, and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.complexity_router.reason import Reason

WORDS = st.text("abcdefghij klm,.0123456789", max_size=60)
NAMES = st.text("abcdefghijk-_./0123456789", min_size=1, max_size=40)


@given(NAMES, st.sampled_from(["math", "chat"]), st.sampled_from(["simple", "complex"]), NAMES, WORDS)
def test_what_is_written_can_be_read(entry: str, task: str, level: str, model: str, why: str) -> None:
    reason = Reason(entry=entry, task=task, level=level, model=model, why=why)
    assert Reason.read(f"first; {reason}; last: to b (c)", entry) == reason


def test_only_the_entrys_own_is_read() -> None:
    reason = Reason(entry="router", task="math", level="simple", model="small", why="cost")
    assert str(reason) == "router: math/simple to small (cost)"
    assert Reason.read(str(reason), "other") is None
    assert Reason.read("router: something else", "router") is None
    assert Reason.read("", "router") is None
