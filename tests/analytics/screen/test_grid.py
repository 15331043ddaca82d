"""Tables: how wide they are, and what makes room."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from cognitude_plugins.analytics.screen.grid import Column, table

names = st.one_of(st.text(max_size=30), st.sampled_from(["漢字" * 20, "a\x1b[31mb"]))


def widest(text: Text) -> int:
    return max(map(cell_len, text.plain.split("\n")))


@given(st.lists(st.lists(names, min_size=3, max_size=3), max_size=5), st.integers(1, 60))
def test_a_table_is_never_wider(rows: list[list[Any]], width: int) -> None:
    columns = [Column(heading="NAME"), Column(heading="FIXED", fixed=True), Column(heading="NUMBER", right=True)]
    assert widest(table(columns, rows, width)) <= width


def test_a_table_takes_the_room_from_what_is_not_fixed() -> None:
    columns = [Column(heading="NAME"), Column(heading="STATE", fixed=True), Column(heading="CALLS", right=True)]
    drawn = table(columns, [["a-long-long-name", ("open", "red"), "12"]], 24)
    assert drawn.plain.split("\n") == ["NAME        STATE  CALLS", "a-long-lo…  open      12"]
    assert any(span.style == "red" for span in drawn.spans)


def test_what_can_be_spared_is_left_out_first() -> None:
    columns = [
        Column(heading="NAME"),
        Column(heading="PROVIDER", spare=2),
        Column(heading="P50", fixed=True, spare=1),
        Column(heading="P95", fixed=True),
    ]
    rows = [["a-long-long-long-name", "some-provider", "12.3 s", "1.23 s"]]
    headings = [table(columns, rows, width).plain.split("\n")[0].split() for width in (60, 47, 46, 32, 31, 9)]
    assert headings[0] == headings[1] == ["NAME", "PROVIDER", "P50", "P95"]
    assert headings[2] == headings[3] == ["NAME", "P50", "P95"]
    assert headings[4] == ["NAME", "P95"]
