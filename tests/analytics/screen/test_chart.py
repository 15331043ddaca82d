"""Lines over time: their size, their gaps, their axes."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from cognitude_plugins.analytics.screen.chart import Line, line_chart

HOURS = [f"{hour:02}:00" for hour in range(24)]
values = st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.floats(-5, 1e15), max_size=30)


def drawn(*lines: Line, width: int = 40, height: int = 8, labels: list[str] = HOURS) -> list[str]:
    return line_chart(lines, width, height, labels=labels, write=lambda value: f"{value:g}").plain.split("\n")


@example([[1.7e308, 5e-324]], 50, 9, "14:00")
@example([[5e-324]], 50, 9, "14:00")
@settings(max_examples=40, deadline=None)
@given(
    st.lists(values, max_size=3),
    st.integers(1, 100),
    st.integers(1, 20),
    st.sampled_from(["14:00", "漢字", "a\x1b[1m"]),
)
def test_a_chart_is_never_larger(several: list[list[float | None]], width: int, height: int, label: str) -> None:
    labels = [label] * max(map(len, several), default=0)
    lines = drawn(*(Line(values=one) for one in several), width=width, height=height, labels=labels)
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)
    assert "\x1b" not in "".join(lines)


def test_the_axis_goes_from_nothing_to_a_round_number() -> None:
    lines = drawn(Line(values=[float(hour * 13) for hour in range(24)]))
    assert (lines[0][:4], lines[3][:4], lines[5][:4]) == ("400┤", "200┤", "  0┤")
    assert lines[-1].split() == ["00:00", "12:00", "23:00"]


@pytest.mark.parametrize(
    ("highest", "marks"),
    [(0, ["0"]), (1, ["0", "1", "2"]), (5, ["0", "3", "6"]), (0.1, ["0", "0.05", "0.1"]), (101, ["0", "100", "200"])],
)
def test_what_is_counted_has_whole_numbers_at_its_axis(highest: float, marks: list[str]) -> None:
    lines = drawn(Line(values=[0.0, highest]))
    assert [line.partition("┤")[0].strip() for line in reversed(lines) if "┤" in line] == marks


def test_more_points_than_there_is_room_for_are_means() -> None:
    values = [float(at % 2) for at in range(1_000)]
    lines = drawn(Line(values=values), labels=[f"{at:03}" for at in range(1_000)])
    assert lines[-1].split()[0] == "000"
    assert lines[-1].split()[-1] == "999"
    assert sum(not set(line[2:]) <= {" "} for line in lines[:-2]) == 1


def test_there_is_nothing_where_nothing_is_known() -> None:
    half = [2.0] * 12 + [None] * 12
    whole, gone = drawn(Line(values=[2.0] * 24)), drawn(Line(values=half))
    assert gone[0].rstrip()[:-1] == whole[0][: len(gone[0].rstrip()) - 1]
    assert len(gone[0].rstrip()) < len(whole[0].rstrip()) - 12
    assert drawn(Line(values=[None, 1.0, None])) != drawn(Line(values=[None] * 3))


def test_lines_have_their_colours() -> None:
    text = line_chart(
        [Line(values=[1.0, 2.0], colour="green"), Line(values=[2.0, 1.0], colour="red")],
        40,
        8,
        labels=["a", "b"],
        write=str,
    )
    assert {span.style.color.number for span in text.spans} == {1, 2}  # type: ignore[union-attr]


def test_without_room_for_axes_a_line_is_a_sparkline() -> None:
    assert drawn(Line(values=[1.0, 2.0, 4.0]), width=10) == ["▃▅█"]
    assert drawn(Line(values=[1.0, 2.0, 4.0]), Line(values=[0.0]), height=1) == ["▃▅█"]


def test_one_chart_leaves_nothing_in_the_next() -> None:
    first = drawn(Line(values=[1.0, 5.0, 2.0]))
    drawn(Line(values=[900.0, None, 1.0]), Line(values=[7.0]), width=70, height=15)
    assert drawn(Line(values=[1.0, 5.0, 2.0])) == first
