"""Small drawings of text for a terminal: sparklines, bars, lines, of which nothing is wider than asked for.

Widths are columns of a terminal, of which a letter of East Asia takes two. What is drawn is a `rich.text.Text`: its
``plain`` is the text without colours.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

Cell = str | tuple[str, str]
"""A text, or a text and rich's name of a style."""

_LEVELS: Final = "▁▂▃▄▅▆▇█"
_EIGHTHS: Final = "▏▎▍▌▋▊▉█"
GAP: Final = 2
_BETWEEN: Final = " · "
_MOST_NAME: Final = 0.3
_MOST_SHOWN: Final = 0.6
_BAR_STYLE: Final = "cyan"
HEADING_STYLE: Final = "bold"
_ASCII: Final = str.maketrans(
    {
        **dict(zip(_LEVELS, "_.-=+*%#", strict=True)),
        **dict(zip(_EIGHTHS, "..::===#", strict=True)),
        "…": "~",
        "·": "-",
        "─": "-",
        "│": "|",
        "┤": "|",
        "├": "|",
        "└": "+",
        "┬": "+",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """``shown`` is written behind the bar, whose length is that of ``value`` beside the others'."""

    name: str
    value: float
    shown: str


def clean(text: str) -> str:
    """In one line, without what would move the cursor, hide or turn around what follows."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(char if char.isprintable() else "?" for char in composed if not "\ufe00" <= char <= "\ufe0f")


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Exactly so wide: filled up with spaces, or cut and ended with ``…``."""
    known = clean(text)
    if cell_len(known) > width:
        known = set_cell_size(known, width - 1) + "…" if width > 1 else "…" * width
    space = " " * (width - cell_len(known))
    return space + known if right else known + space


def ascii_only(text: str) -> str:
    """As wide as before, for a terminal that knows nothing else."""
    return "".join(map(_ascii, text.translate(_ASCII)))


def sparkline(values: Sequence[float | None], width: int) -> str:
    """A letter for each value, of means where there are more than ``width``; a space where nothing is known.

    Heights are from 0 (or the lowest, if that is below) to the highest; nothing but that lowest has the lowest height.
    """
    shown = list(means([one if one is not None and isfinite(one) else None for one in values], width))
    known = [one for one in shown if one is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    low, high = min(low, 0.0), max(high, 0.0)
    return "".join(" " if one is None else _LEVELS[_level(one, low, high)] for one in shown)


def _level(value: float, low: float, high: float) -> int:
    if value == low:
        return 0
    # Of parts of one, so that no difference is more than a float can be.
    whole = max(high, -low)
    share = (value / whole - low / whole) / (high / whole - low / whole)
    return min(max(1, ceil(share * (len(_LEVELS) - 1))), len(_LEVELS) - 1)


def means(values: Sequence[float | None], width: int) -> Iterator[float | None]:
    """At most so many: of the known ones in parts of equal length where there are more; None where none is known."""
    if len(values) <= width:
        yield from values
        return
    for place in range(width):
        found = [
            one for one in values[place * len(values) // width : (place + 1) * len(values) // width] if one is not None
        ]
        yield sum(found) / len(found) if found else None


def bar(share: float, width: int) -> str:
    """``share`` in 0 … 1 of the width, to an eighth of a column; something wherever it is more than nothing."""
    eighths = min(width * 8, max(ceil(share * width * 8), 0)) if isfinite(share) else 0
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest - 1] if rest else "")).ljust(width)


def bars(rows: Sequence[Bar], width: int, *, style: str = _BAR_STYLE) -> Text:
    """A line for each: its name, its bar, what is shown of its value."""
    longest = max((one.value for one in rows if isfinite(one.value)), default=0.0)
    names = _narrowest([one.name for one in rows], round(width * _MOST_NAME))
    shown = _narrowest([one.shown for one in rows], round(width * _MOST_SHOWN))
    room = max(width - names - shown - 2, 0)
    lines = [
        Text.assemble(
            fit(one.name, names),
            " ",
            (bar(one.value / longest if longest > 0 else 0.0, room), style),
            " ",
            fit(one.shown, shown, right=True),
        )
        for one in rows
    ]
    return joined(lines, width)


def flowed(parts: Sequence[Text], width: int) -> Text:
    """As many beside each other as there is room for, the rest in the next line."""
    lines: list[Text] = []
    for part in parts:
        if lines and lines[-1].cell_len + part.cell_len + len(_BETWEEN) <= width:
            lines[-1].append(_BETWEEN).append_text(part)
        else:
            lines.append(part.copy())
    return joined(lines, width)


def beside(left: Text, right: Text, width: int) -> Text:
    """``right`` begins where ``left``, which is filled up to its widest line, ends."""
    first, second = list(left.split("\n", allow_blank=True)), list(right.split("\n", allow_blank=True))
    widest = max((line.cell_len for line in first), default=0)
    lines = []
    for place in range(max(len(first), len(second))):
        line = first[place].copy() if place < len(first) else Text()
        line.append(" " * (widest + GAP - line.cell_len))
        lines.append(line.append_text(second[place]) if place < len(second) else line)
    return joined(lines, width)


def ends(left: str, right: Cell, width: int, *, style: str = HEADING_STYLE) -> Text:
    """One line: something at its beginning and something at its end, which is kept where not both have room."""
    text, colour = (right, "") if isinstance(right, str) else right
    last = fit(text, min(cell_len(clean(text)), width))
    room = width - cell_len(last)
    return Text.assemble((fit(left, room - 1) + " " if room > 1 else " " * room, style), (last, colour))


def joined(lines: Sequence[Text], width: int) -> Text:
    """One below the other, each cut at the width, without spaces at their ends."""
    for line in lines:
        line.truncate(width)
        line.rstrip()
    return Text("\n").join(lines)


def _narrowest(texts: Sequence[str], most: int) -> int:
    return min(max((cell_len(clean(text)) for text in texts), default=0), max(most, 0))


def _ascii(char: str) -> str:
    if char.isascii():
        return char
    return ("*" if char != "\u2800" else " ") if "\u2800" <= char <= "\u28ff" else "?" * cell_len(char)
