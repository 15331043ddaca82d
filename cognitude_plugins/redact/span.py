"""A stretch of text that was found, and what kind of thing it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias


class Span(NamedTuple):
    """``text[start:end]`` is of this kind; the value itself is not kept here, so that a span may be printed."""

    start: int
    end: int
    kind: str


Detector: TypeAlias = Callable[[str], Iterable[Span]]
"""Finds spans in a text, in time linear in its length whatever the text."""


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, overlapping ones joined under the kind of the first: no part of any is left uncovered."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            joined[-1] = last._replace(end=max(last.end, span.end))
        else:
            joined.append(span)
    return joined
