"""Which names a list of shell-style patterns stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate


class Names:
    """A list of names and patterns (``*``, ``?``, ``[abc]``; case matters), compiled once.

    Names without a wildcard are looked up in a set, so that the usual list costs one hash.
    """

    __slots__ = ("_exact", "_pattern", "everything")

    def __init__(self, patterns: Iterable[str]) -> None:
        given = frozenset(patterns)
        wild = sorted(name for name in given if any(mark in name for mark in "*?["))
        self.everything = "*" in given
        self._exact = given.difference(wild)
        self._pattern = re.compile("|".join(translate(name) for name in wild)) if wild else None

    def __contains__(self, name: str) -> bool:
        if self.everything or name in self._exact:
            return True
        return self._pattern is not None and self._pattern.match(name) is not None
