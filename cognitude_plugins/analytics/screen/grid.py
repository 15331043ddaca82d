"""Tables of text for a terminal, which make themselves as narrow as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from .draw import GAP, HEADING_STYLE, Cell, clean, fit, joined

_LEAST: Final = 4
_NARROW: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """``right`` is the side its cells are pushed to; a ``fixed`` one is not made narrower than its cells.

    Where there is no room for all columns, the one with the highest ``spare`` above 0 is left out first.
    """

    heading: str
    right: bool = False
    fixed: bool = False
    spare: int = 0


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> Text:
    """Headings and rows. Where they are too wide, what is not fixed is made narrower, the widest first."""
    natural = _natural(columns, rows)
    places = _kept(columns, natural, width)
    kept = [columns[place] for place in places]
    widths = _narrowed(kept, [natural[place] for place in places], width)
    headings = [(column.heading, HEADING_STYLE) for column in columns]
    lines = [_line(kept, widths, [cells[place] for place in places]) for cells in (headings, *rows)]
    return joined(lines, width)


def _line(columns: Sequence[Column], widths: Sequence[int], cells: Sequence[Cell]) -> Text:
    line = Text()
    for place, (column, width, cell) in enumerate(zip(columns, widths, cells, strict=True)):
        text, style = (cell, "") if isinstance(cell, str) else cell
        line.append(" " * GAP if place else "")
        line.append(fit(text, width, right=column.right), style)
    return line


def _natural(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[int]:
    """How wide each is by itself."""
    cells = [[column.heading for column in columns], *([_text(cell) for cell in row] for row in rows)]
    return [max(cell_len(clean(text)) for text in column) for column in zip(*cells, strict=True)]


def _kept(columns: Sequence[Column], natural: Sequence[int], width: int) -> list[int]:
    """The places of the columns that there is room for, if those that are not fixed are narrow."""
    places = list(range(len(columns)))
    least = [one if column.fixed else min(one, _NARROW) for column, one in zip(columns, natural, strict=True)]
    while sum(least[place] for place in places) + GAP * (len(places) - 1) > width:
        spare = max(places, key=lambda place: columns[place].spare)
        if not columns[spare].spare:
            break
        places.remove(spare)
    return places


def _narrowed(columns: Sequence[Column], natural: Sequence[int], width: int) -> list[int]:
    widths = list(natural)
    while sum(widths) + GAP * (len(widths) - 1) > width:
        wide, place = max((0 if columns[at].fixed else one, at) for at, one in enumerate(widths))
        if wide <= _LEAST:
            break
        widths[place] -= 1
    return widths


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell[0]
