"""Card numbers and telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from .span import Span

_GAP: Final = r"[ \u00a0\u202f\u2010-\u2015-]"
_RUN: Final = re.compile(rf"[0-9](?<![0-9][0-9])(?<![0-9]\.[0-9])(?:{_GAP}?[0-9]){{12,}}+")
_PHONE: Final = re.compile(
    rf"(?<![0-9A-Za-z+])\+[0-9](?:(?:[.()]|{_GAP}){{0,2}}+[0-9]){{7,14}}+(?![0-9])"
    rf"|(?<![0-9A-Za-z])(?:\([0-9]{{3}}\){_GAP}?|[0-9]{{3}}(?:\.|{_GAP}))[0-9]{{3}}(?:\.|{_GAP})[0-9]{{4}}(?![0-9])"
)
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def phones(text: str) -> Iterator[Span]:
    """Numbers in international form (``+49 30 …``, 8 to 15 digits, E.164) and North American ones with separators."""
    return (Span(*found.span(), "PHONE") for found in _PHONE.finditer(text))


def cards(text: str) -> Iterator[Span]:
    """Numbers of 13 to 19 digits, whole or in groups, that begin like an issuer's and whose Luhn sum is right.

    A number does not begin or end inside a group of digits: longer numbers and decimal fractions are not cards.
    """
    for run in _RUN.finditer(text):
        places = [place for place, char in enumerate(run.group(), run.start()) if char.isdecimal()]
        digits = [int(text[place]) for place in places]
        for start, end in _in_run(digits, _group_starts(places)):
            yield Span(places[start], places[end - 1] + 1, "CARD")


def _group_starts(places: Sequence[int]) -> list[int]:
    return [index for index, place in enumerate(places) if index == 0 or places[index - 1] != place - 1]


def _in_run(digits: Sequence[int], starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Card numbers that begin and end with a group, the longest at each place.

    The Luhn sums of all stretches come from two running sums, so a stretch costs the same however long it is.
    """
    sums = [
        [0, *accumulate(digit if index % 2 == parity else _DOUBLED[digit] for index, digit in enumerate(digits))]
        for parity in (0, 1)
    ]
    ends = {*starts, len(digits)}
    covered = 0
    for start in starts:
        for length in _lengths(digits[start : start + 4]) if start >= covered else ():
            end = start + length
            if end in ends and (sums[(end - 1) % 2][end] - sums[(end - 1) % 2][start]) % 10 == 0:
                yield start, end
                covered = end
                break


def _lengths(head: Sequence[int]) -> Sequence[int]:
    """How many digits a number that begins so may have, most first; the issuer ranges of ISO/IEC 7812 as published."""
    if len(head) < 4:
        return ()
    two = head[0] * 10 + head[1]
    four = two * 100 + head[2] * 10 + head[3]
    if head[0] == 4:
        return (19, 16, 13)
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return (16,)
    if two in (34, 37):
        return (15,)
    if two in (36, 38, 39) or 3000 <= four <= 3059:
        return range(19, 13, -1)
    if 3528 <= four <= 3589 or 2200 <= four <= 2204:
        return range(19, 15, -1)
    if head[0] == 6 or two in (50, 56, 57, 58):
        return range(19, 12, -1)
    return ()
