"""Lines over time, drawn with plotext."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Any, Final

from rich.cells import cell_len
from rich.text import Text

from .draw import clean, fit, joined, means, sparkline

LEAST_WIDTH: Final = 24
LEAST_HEIGHT: Final = 4
"""Below that there is no room for axes, and a line is drawn as a sparkline."""
_STEPS: Final = (1, 2, 4, 6, 8, 10)
_DOTS: Final = 2
"""Of a letter of Braille beside each other."""
_FRAME: Final = 2
_LEAST_HALVED: Final = 7
_SMALLEST: Final = 1e-300
_LARGEST: Final = 1e300
"""What is beyond is drawn as 0 and as this: near the ends of what a float can be, plotext divides by 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``None`` is where nothing is known: the line has a gap there. ``colour`` is one of the terminal's sixteen."""

    values: Sequence[float | None]
    colour: str = "cyan"


def line_chart(
    lines: Sequence[Line], width: int, height: int, *, labels: Sequence[str], write: Callable[[float], str]
) -> Text:
    """From 0 up, with the values of the axis as ``write`` has them. ``labels`` are those of the points; as many are
    shown as there is room for. Of more points than there is room for, means are drawn. Values below 0 are drawn as 0.
    """
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return joined([Text(sparkline(line.values, width)) for line in lines[:height]], width)
    top, marks = _axis(lines, height)
    written = [clean(write(mark)) for mark in marks]
    room = width - max(map(cell_len, written)) - _FRAME
    count = min(len(labels), max(room, 1) * _DOTS)
    figure = _figure(width, height)
    for line in lines:
        _draw(figure, list(means(line.values, count)), line.colour)
    figure.ruler("y").lim(0, top)
    figure.ruler("y").ticks(marks, written)
    places, shown = _shown([labels[round(at * (len(labels) - 1) / max(count - 1, 1))] for at in range(count)], room)
    figure.ruler("x").lim(0, max(count - 1, 1))
    figure.ruler("x").ticks(places, shown)
    drawn = Text.from_ansi(figure.build().string())
    return joined([_cut(line, width) for line in drawn.split("\n")], width)


def _figure(width: int, height: int) -> Any:
    """plotext has one figure, which is emptied for each chart."""
    import plotext  # type: ignore[import-untyped]

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, height)
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    return figure


def _draw(figure: Any, values: Sequence[float | None], colour: str) -> None:
    import plotext

    marker = plotext.marker("braille", pixel=plotext.pixel(foreground=colour))
    for start, run in _runs(values):
        places = [float(start + at) for at in range(len(run))]
        figure.draw(figure.signal(places, run, marker=marker).lines(len(run) > 1))


def _runs(values: Sequence[float | None]) -> Iterator[tuple[int, list[float]]]:
    """Stretches without a gap, each with the place it begins at."""
    run: list[float] = []
    for place, value in enumerate([*values, None]):
        if value is not None and isfinite(value):
            run.append(0.0 if value < _SMALLEST else min(value, _LARGEST))
        elif run:
            yield place - len(run), run
            run = []


def _axis(lines: Sequence[Line], height: int) -> tuple[float, list[float]]:
    """A round number that none of them is above, and what is marked: half of it too where there is room.

    What is counted in whole numbers has whole ones there. Where all is 0, nothing but that is marked.
    """
    highest = max((value for line in lines for _, run in _runs(line.values) for value in run), default=0.0)
    if highest <= 0:
        return 1.0, [0.0]
    scale: float = 10.0 ** floor(log10(highest))
    steps = _STEPS[1:] if scale == 1 else _STEPS
    top = next((step * scale for step in steps if step * scale >= highest), 10 * scale)
    return top, [0.0, top / 2, top] if height >= _LEAST_HALVED else [0.0, top]


def _shown(labels: Sequence[str], room: int) -> tuple[list[float], list[str]]:
    """Labels with space between them, evenly apart, the first and the last among them where there are several."""
    if not labels:
        return [], []
    widest = max(cell_len(clean(label)) for label in labels)
    count = max(1, min(len(labels), (room + 2) // (widest + 6), 7))
    if count == 1:
        return [0.0], [fit(labels[0], min(widest, room)).rstrip()]
    places = sorted({round(at * (len(labels) - 1) / (count - 1)) for at in range(count)})
    return [float(place) for place in places], [clean(labels[place]) for place in places]


def _cut(line: Text, width: int) -> Text:
    line.truncate(width)
    return line
