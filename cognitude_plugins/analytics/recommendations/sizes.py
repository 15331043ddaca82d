"""Answers by their length: classes of tokens, narrow enough that a limit can be put between two of them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, case, literal

_STEPS: Final = ((0, 16), (256, 64), (1024, 256), (4096, 1024), (16384, 4096))
"""From so many tokens on a class is so many wide."""
_LAST: Final = 100


def sized(tokens: ColumnElement[Any]) -> ColumnElement[Any]:
    """The class of a column, in SQL."""
    branches = []
    for number, (start, width) in enumerate(_STEPS[:-1]):
        branches.append((tokens < _STEPS[number + 1][0], (tokens - start) // width + literal(_first(number))))
    start, width = _STEPS[-1]
    last = (tokens - start) // width + literal(_first(len(_STEPS) - 1))
    return case(*branches, (last < _LAST, last), else_=literal(_LAST))


def size_of(tokens: int) -> int:
    """The same of a number."""
    number = max(place for place, (start, _) in enumerate(_STEPS) if tokens >= start)
    start, width = _STEPS[number]
    return min((tokens - start) // width + _first(number), _LAST)


def end_of(size: int) -> int:
    """Tokens: every answer of the class has fewer, every one of a later class as many or more."""
    number = max(place for place in range(len(_STEPS)) if size >= _first(place))
    start, width = _STEPS[number]
    return start + (size - _first(number) + 1) * width


def _first(number: int) -> int:
    """The first class of this step."""
    return sum((_STEPS[place + 1][0] - _STEPS[place][0]) // _STEPS[place][1] for place in range(number))


def long_prompt(tokens: ColumnElement[Any]) -> ColumnElement[Any]:
    """How many of the lengths from which on providers have other prices a prompt is beyond: 0 for most."""
    branches = [(tokens > bound, number) for number, bound in reversed(list(enumerate(TIERS, 1)))]
    return case(*branches, else_=0)


TIERS: Final = (32_000, 128_000, 200_000, 256_000, 272_000)
"""Tokens: those of LiteLLM's price map. Within a tier of these a price is linear, so sums can be priced."""
