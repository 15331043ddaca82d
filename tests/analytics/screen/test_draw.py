"""Small drawings: how wide they are, and what they do with names that somebody else has chosen."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from cognitude_plugins.analytics.screen.draw import (
    Bar,
    ascii_only,
    bar,
    bars,
    beside,
    clean,
    ends,
    fit,
    flowed,
    sparkline,
)

names = st.one_of(
    st.text(max_size=30), st.sampled_from(["漢字" * 20, "a\x1b[31mb", "e\u0301", "☁\ufe0f", "\u202egnp", "👩‍👩‍👧"])
)
widths = st.integers(1, 100)
numbers = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 1e9)


def widest(text: Text) -> int:
    return max(map(cell_len, text.plain.split("\n")))


@given(names, widths)
def test_a_name_is_made_exactly_as_wide_as_it_is_to_be(name: str, width: int) -> None:
    for right in (False, True):
        fitted = fit(name, width, right=right)
        assert cell_len(fitted) == width
        assert fitted.isprintable()


def test_what_would_move_the_cursor_is_harmless() -> None:
    assert clean("a\x1b[2Jb\r\n\tc\x9b\u202e\u2028") == "a?[2Jb???c???"
    assert fit("chat-gpt", 6) == "chat-…"
    assert fit("chat-gpt", 10, right=True) == "  chat-gpt"


@given(st.lists(st.none() | numbers, max_size=60), widths)
def test_a_sparkline_is_never_wider(values: list[float | None], width: int) -> None:
    assert len(sparkline(values, width)) == min(len(values), width)


@given(st.lists(st.floats(0, 1e12), max_size=60))
@example([0.0, 1e-300, 1e12])
def test_only_nothing_is_drawn_as_nothing(values: list[float]) -> None:
    drawn = sparkline(values, 60)
    assert [char == "▁" for char in drawn] == [value == 0 for value in values]
    assert not any(values) or "█" in drawn


def test_a_sparkline_has_a_gap_where_nothing_is_known() -> None:
    assert sparkline([0, 1, None, 4], 10) == "▁▃ █"
    assert sparkline([-1, 0, 1], 10) == "▁▅█"
    assert sparkline([0, 0, 4, 4, 8, 8, None, None], 4) == "▁▅█ "
    assert sparkline([], 10) == ""


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0, "    "), (1, "████"), (0.5, "██  "), (1e-9, "▏   "), (-1, "    "), (9, "████"), (float("nan"), "    ")],
)
def test_a_bar_is_as_long_as_its_share(share: float, drawn: str) -> None:
    assert bar(share, 4) == drawn


@given(st.lists(st.builds(Bar, name=names, value=numbers, shown=names), max_size=5), widths)
def test_bars_are_never_wider(rows: list[Bar], width: int) -> None:
    assert widest(bars(rows, width)) <= width


def test_bars_are_held_against_the_longest() -> None:
    rows = [Bar(name="a", value=4, shown="4"), Bar(name="bb", value=1, shown="10"), Bar(name="c", value=0, shown="0")]
    assert bars(rows, 14).plain.split("\n") == ["a  ████████  4", "bb ██       10", "c            0"]


@given(st.lists(names.map(Text), max_size=6), widths)
def test_what_flows_goes_on_in_the_next_line(parts: list[Text], width: int) -> None:
    cleaned = [Text(clean(part.plain)) for part in parts]
    assert widest(flowed(cleaned, width)) <= width


def test_two_texts_are_put_beside_each_other() -> None:
    assert beside(Text("a\nbbb"), Text("c\nd\ne"), 20).plain == "a    c\nbbb  d\n     e"
    assert ends("left", "right", 12).plain == "left   right"
    assert ends("a long one", "right", 12).plain == "a lon… right"


@given(names)
def test_ascii_is_as_wide_as_what_it_stands_for(name: str) -> None:
    plain = ascii_only(clean(name))
    assert plain.isascii()
    assert cell_len(plain) == cell_len(clean(name))


def test_drawings_are_known_again_in_ascii() -> None:
    assert ascii_only(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)) == "_.-=+*%#"
    assert ascii_only(bar(0.55, 4)) == "##. "
    assert ascii_only("3┤⠀⣀⠤│…·") == "3| **|~-"
