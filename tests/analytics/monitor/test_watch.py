"""A screen once, and again and again: on a terminal, without one, and while the gateway is away."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import click
import pytest
from rich.console import Console
from rich.text import Text

from cognitude_plugins.analytics.monitor.watch import Watched, show_once, watch


def drawing(found: Any, width: int, height: int | None) -> Text:
    return Text.assemble((f"▁█ {found} … {width}x{height}", "bold red"))


def out(encoding: str = "utf-8", **options: Any) -> Console:
    raw = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    return Console(file=raw, width=40, height=5, _environ=options.pop("environ", {"TERM": "xterm"}), **options)


def written(console: Console) -> str:
    console.file.flush()
    found: str = console.file.buffer.getvalue().decode(console.encoding)  # type: ignore[attr-defined]
    return found


def until_stopped(*answers: Any) -> Callable[[], Any]:
    """Answers one after the other, exceptions too; after the last one it is as if Ctrl-C were pressed."""
    left: Iterator[Any] = iter(answers)

    def ask() -> Any:
        found = next(left, KeyboardInterrupt())
        if isinstance(found, BaseException):
            raise found
        return found

    return ask


def test_without_a_terminal_it_is_plain_text() -> None:
    console = out()
    show_once("漢字", drawing, console)
    assert written(console) == "▁█ 漢字 … 40xNone\n"


def test_what_the_encoding_does_not_have_is_drawn_in_ascii() -> None:
    for encoding in ("ascii", "latin-1", "cp1252"):
        console = out(encoding)
        show_once("漢", drawing, console)
        assert written(console) == "_# ?? ~ 40xNone\n"


def test_a_terminal_has_colours_unless_it_is_told_otherwise() -> None:
    for environ, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        console = out(force_terminal=True, environ={"TERM": "xterm", **environ})
        show_once("x", drawing, console)
        assert ("\x1b[1;31m" in written(console)) == coloured
        assert ("31" in written(console)) == coloured


def test_screens_come_one_below_the_other_where_no_cursor_can_be_moved() -> None:
    for options in ({}, {"force_terminal": True, "environ": {"TERM": "dumb"}}):
        console = out(**options)
        watch(until_stopped("one", "two"), drawing, 0.01, console)
        lines = written(console).splitlines()
        assert [line[:6] for line in lines[::2]] == ["▁█ one", "▁█ two"]
        assert lines[1].endswith("every 0.01 s; Ctrl-C ends it")
        assert "\x1b" not in written(console)


def test_a_terminal_is_left_as_it_was() -> None:
    console = out(force_terminal=True)
    before = signal.getsignal(signal.SIGTERM)
    watch(until_stopped("one", click.ClickException("no gateway answers"), "two"), drawing, 0.01, console)
    text = written(console)
    assert text.index("\x1b[?1049h") < text.index("one … 40x4") < text.index("old: no gateway") < text.index("two …")
    assert text.index("two …") < text.index("\x1b[?1049l")
    assert text.count("\x1b[?25h") >= text.count("\x1b[?25l") == 1
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_ends_it_too() -> None:
    def ask() -> str:
        if asked:
            signal.raise_signal(signal.SIGTERM)
        asked.append(1)
        return "x"

    asked: list[int] = []
    watch(ask, drawing, 0.01, out(force_terminal=True))
    assert len(asked) == 1


def test_a_gateway_that_never_was_there_is_an_error() -> None:
    with pytest.raises(click.ClickException, match="nobody"):
        watch(until_stopped(click.ClickException("nobody")), drawing, 0.01, out())


def test_what_was_last_seen_stays_with_its_age() -> None:
    time = [0.0]
    asking = until_stopped("good", click.ClickException("away\x1b[2J " + "x" * 50), "again")
    watched = Watched(asking, drawing, 2.0, clock=lambda: time[0], now=lambda: datetime(2026, 11, 30, 14, 3, 12))
    assert watched.screen(40, 4).plain.split("\n") == ["▁█ good … 40x3", "", "", "14:03:12, every 2 s; Ctrl-C ends it"]
    time[0] = 1.0
    assert not watched.due()
    time[0] = 2.0
    assert watched.due()
    watched.ask_again()
    time[0] = 75.0
    good, *_, last = watched.screen(40, 4).plain.split("\n")
    assert good.startswith("▁█ good")
    assert last.startswith("1 min 15 s old: away?[2J xxx")
    assert len(last) == 40
    watched.ask_again()
    assert watched.screen(40, 4).plain.startswith("▁█ again")
