"""Names of models, and patterns in which ``*`` stands for anything."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from functools import lru_cache


def matcher(patterns: Sequence[str] | None) -> Callable[[str], bool]:
    """Whether a name is one of these or is covered by one; of None every name is."""
    return _anything if patterns is None else _compiled(tuple(patterns))


def is_pattern(name: str) -> bool:
    return "*" in name


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    names = frozenset(one for one in patterns if not is_pattern(one))
    starred = [one for one in patterns if is_pattern(one)]
    if not starred:
        return names.__contains__
    # ``fnmatch`` makes expressions that do not backtrack from star to star.
    expression = re.compile("|".join(fnmatch.translate(_literal_but_stars(one)) for one in starred))
    return lambda name: name in names or expression.match(name) is not None


def _anything(name: str) -> bool:
    return True


def _literal_but_stars(pattern: str) -> str:
    return "".join(f"[{char}]" if char in "[?" else char for char in pattern)
