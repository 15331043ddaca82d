"""Figures as people read them in a terminal: short, and a table of them in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

WIDTH: Final = 80
NOTHING: Final = "-"

_CENT: Final = Decimal("0.01")
_UNITS: Final = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def dollars(exact: str) -> str:
    """Cents with a mark at thousands; of less than a dollar its first three digits."""
    amount = Decimal(exact)
    if abs(amount) >= 1 or not amount:
        return f"{amount.quantize(_CENT):,}"
    return f"{round(amount, 2 - amount.adjusted()):f}"


def count(number: int) -> str:
    """Whole up to 9999, else three digits: ``12.3M``."""
    if abs(number) < 10_000:
        return str(number)
    for size, unit in _UNITS:
        # What rounds to the next unit is written in it.
        if abs(number) >= size * 0.9995:
            value = number / size
            return f"{value:.{0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2}f}{unit}"
    return str(number)


def percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share * 100:.1f}"


def seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def signed(share: float | None) -> str:
    """A change in percent, with its sign."""
    return NOTHING if share is None else f"{share * 100:+.1f} %"


def plain(text: str) -> str:
    """Without what would change the terminal; what has no name is a dash."""
    return "".join(char if char.isprintable() else "?" for char in text) or NOTHING


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> Iterator[str]:
    """The first ``texts`` columns to the left and as narrow as it takes, the others to the right, with two spaces."""
    lines = [headings, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(headings))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH and max(widths[:texts]) > 4:
        widths[widths.index(max(widths[:texts]))] -= 1
    for line in lines:
        cells = [
            _cut(cell, width).ljust(width) if place < texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "~"
