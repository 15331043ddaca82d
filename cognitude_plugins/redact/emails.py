"""E-mail addresses, found from their at signs: each character is looked at a fixed number of times."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from .span import Span

_AT: Final = re.compile(r"@(?<=[^\s@]@)(?=[^\W_])")
_DOMAIN: Final = re.compile(r"[^\W_][\w-]*+(?:\.[\w-]++)++")
_TOP: Final = re.compile(r"xn--[a-z0-9-]{1,59}+|[a-z]{2,63}+|[^\W\d_\x00-\x7f]{2,63}+", re.IGNORECASE)
_MARKS: Final = "._%+-'&"
_UNSPACED: Final = "\u0590"
"""From here on come scripts that are written without spaces: what stands before an address need not be part of it."""


def emails(text: str) -> Iterator[Span]:
    """Addresses with a top-level domain of letters, in any script; ``user@localhost`` is not one."""
    floor = 0
    for found in _AT.finditer(text):
        at = found.start()
        start, end = _local_start(text, floor, at), _domain_end(text, at + 1)
        if start < at and end:
            yield Span(start, end, "EMAIL")
            floor = end


def _local_start(text: str, floor: int, at: int) -> int:
    """Where the local part that ends at ``at`` begins. It cannot reach over an earlier at sign, so this is linear."""
    anything = at > floor and text[at - 1] >= _UNSPACED
    start = at
    while start > floor and _is_local(text[start - 1], anything):
        start -= 1
    while start < at and text[start] in ".'&-":
        start += 1
    # An escaped line break of JSON inside text: the letter belongs to the escape and not to the address.
    if at - start > 1 and text[start] in "nrtbf" and text[start - 1 : start] == "\\":
        start += 1
    return start


def _is_local(char: str, anything: bool) -> bool:
    if char in _MARKS:
        return True
    if not anything and char >= _UNSPACED and not "\u1e00" <= char <= "\u1fff":
        return False
    return char.isalnum() or unicodedata.category(char) == "Mn"


def _domain_end(text: str, start: int) -> int:
    """The end of the domain that begins at ``start``; 0 when there is none.

    Of the labels behind the first, the last that begins like a top-level domain ends it: ``example.com.`` and
    ``example.com-thanks`` are both ``example.com``.
    """
    found = _DOMAIN.match(text, start)
    dot = text.rfind(".", start, found.end()) if found else -1
    while dot > start and found:
        if top := _TOP.match(text, dot + 1, found.end()):
            return top.end()
        dot = text.rfind(".", start, dot)
    return 0
