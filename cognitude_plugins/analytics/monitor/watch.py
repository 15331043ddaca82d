"""A screen that is shown once, or again and again in its place until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Any, Generic, Protocol, TypeVar

import click
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from ..screen.draw import ascii_only, clean, fit
from ..screen.figures import span

T = TypeVar("T")

_TICK_SECONDS = 0.2
_ENCODED = "▁⠁…·"


class Drawing(Protocol):
    def __call__(self, found: Any, width: int, height: int | None) -> Text: ...


def console() -> Console:
    """Standard output as it is: its width, its colours, if it has any (``NO_COLOR``, ``TERM=dumb``, no terminal)."""
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=False)


def show_once(found: Any, draw: Drawing, out: Console) -> None:
    _put(draw(found, out.width, None), out)


def watch(ask: Callable[[], Any], draw: Drawing, seconds: float, out: Console) -> None:
    """``ask`` every ``seconds``. The first time it raises what it raises, later what was last seen stays, with its age.

    Without a terminal that can move its cursor, one screen comes below the other.
    """
    last = Watched(ask, draw, seconds)
    with _ended_politely():
        if not out.is_terminal or out.is_dumb_terminal:
            while True:
                _put(last.screen(out.width, None), out)
                time.sleep(seconds)
                last.ask_again()
        with Live(Screen(last), console=out, screen=True, auto_refresh=False) as live:
            while True:
                live.refresh()
                time.sleep(min(seconds, _TICK_SECONDS))
                if last.due():
                    last.ask_again()


class Watched(Generic[T]):
    """What was last seen, since when, and why nothing newer is. The clocks are for tests."""

    def __init__(
        self,
        ask: Callable[[], T],
        draw: Drawing,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._ask, self._draw, self._seconds, self._clock, self._now = ask, draw, seconds, clock, now
        self.found = ask()
        self.at = self._tried = clock()
        self.seen = now()
        self.trouble: str | None = None

    def due(self) -> bool:
        return self._clock() - self._tried >= self._seconds

    def ask_again(self) -> None:
        try:
            self.found = self._ask()
            self.at, self.seen, self.trouble = self._clock(), self._now(), None
        except click.ClickException as error:
            self.trouble = error.message
        self._tried = self._clock()

    def screen(self, width: int, height: int | None) -> Text:
        """With a last line that says as of when it is."""
        drawn = self._draw(self.found, width, None if height is None else max(height - 1, 1))
        lines = list(drawn.split("\n", allow_blank=True))
        if height is not None:
            lines = lines[: height - 1] + [Text()] * (height - 1 - len(lines))
        return Text("\n").join([*lines, self._foot(width)])

    def _foot(self, width: int) -> Text:
        if self.trouble is None:
            return Text(fit(f"{self.seen:%H:%M:%S}, every {self._seconds:g} s; Ctrl-C ends it", width).rstrip(), "dim")
        age = span(self._clock() - self.at)
        return Text(fit(f"{age} old: {clean(self.trouble)}", width).rstrip(), "bold red")


class Screen:
    """As large as the terminal is whenever it is drawn."""

    def __init__(self, watched: Watched[Any]) -> None:
        self._watched = watched

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        size = console.size
        yield from _segments(self._watched.screen(size.width, size.height), console)


def _put(text: Text, out: Console) -> None:
    out.print(_Plainly(text), end="", soft_wrap=True)


class _Plainly:
    def __init__(self, text: Text) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from _segments(self._text, console)
        yield Segment("\n")


def _segments(text: Text, console: Console) -> Iterator[Segment]:
    plainly = not _can_say(console.encoding)
    segments: Iterable[Segment] = text.render(console)
    for segment in segments:
        yield Segment(ascii_only(segment.text), segment.style) if plainly else segment


def _can_say(encoding: str) -> bool:
    try:
        _ENCODED.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@contextmanager
def _ended_politely() -> Iterator[None]:
    """Ctrl-C and SIGTERM end it, after the terminal is what it was."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
