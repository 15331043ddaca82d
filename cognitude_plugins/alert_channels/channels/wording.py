"""A message's texts for people: in one line, in plain lines, no longer than somebody takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from hooks import Message, Part

_ELLIPSIS: Final = "…"
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """Without line breaks and other control characters, which may end a header or turn what follows around."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def plain(text: str) -> str:
    """Without control characters but for line breaks."""
    return _CONTROLS.sub(" ", text.replace("\r\n", "\n"))


def shortened(text: str, most: int, escape: Callable[[str], str] = str) -> str:
    """Escaped, and with an ellipsis where it would have more than ``most`` characters; no escape is cut in two."""
    whole = escape(text)
    if len(whole) <= most:
        return whole
    room, kept = most - len(_ELLIPSIS), []
    for character in text:
        escaped = escape(character)
        room -= len(escaped)
        if room < 0:
            break
        kept.append(escaped)
    return "".join(kept) + _ELLIPSIS


def headline(message: Message) -> str:
    """What it is about, in one line."""
    title = one_line(message.title)
    if message.kind == "firing":
        return f"[{message.severity}] {title}"
    # The titles of what is over and of summaries say so themselves.
    return f"[{message.kind}] {title}" if message.kind == "test" else title


def origin(message: Message) -> str:
    """Where it comes from and of when it is."""
    organization = "all organizations" if message.organization == "*" else message.organization
    return f"{one_line(organization)}, {message.at:%Y-%m-%d %H:%M:%S %Z}".strip()


def lines(message: Message) -> Iterator[str]:
    """All of it as plain text."""
    yield headline(message)
    yield origin(message)
    if message.text:
        yield ""
        yield plain(message.text)
    if message.facts:
        yield ""
        yield from (f"{one_line(name)}: {one_line(value)}" for name, value in message.facts)
    for part in message.parts:
        yield ""
        yield from part_lines(part)


def part_lines(part: Part) -> Iterator[str]:
    yield one_line(part.heading)
    if part.text:
        yield plain(part.text)
    for row in ((part.columns,) if part.columns else ()) + part.rows:
        yield "  ".join(one_line(cell) for cell in row)
