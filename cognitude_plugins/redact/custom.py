"""Regular expressions from a configuration, held to what cannot take longer than linear time.

Python's engine backtracks. It tries an expression at every place of a text, so time is linear in the text when a try
has a bound that does not depend on the text. The bound is computed here from what the engine's own parser makes of
the expression: what is counted is what runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from .span import Detector, Span

MAX_STEPS: Final = 100
"""Characters looked at, at most, for each place of a text; with the slowest expressions about 50 ms for 64 KiB."""

_PARSER: Final[Any] = import_module("re._parser")
_UNBOUNDED: Final = int(_PARSER.MAXREPEAT)
_REFUSED: Final = {
    "ASSERT": "looks ahead or behind",
    "ASSERT_NOT": "looks ahead or behind",
    "GROUPREF": "refers back to a group",
    "GROUPREF_EXISTS": "refers back to a group",
}


def custom(kind: str, pattern: str) -> Detector:
    """A detector of this expression; ``ValueError`` says what in it may not be."""
    try:
        parsed = _PARSER.parse(pattern)
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    if parsed.getwidth()[0] == 0:
        raise ValueError(f"{pattern!r} matches nothing at all, and so everywhere")
    steps, _ = _cost(parsed, pattern)
    if steps > MAX_STEPS:
        raise ValueError(
            f"{pattern!r} may look at {steps if steps < 10**6 else 'over a million'} characters for each place of a "
            f"text, at most {MAX_STEPS} are allowed: lower its bounds, or make its repetitions possessive ('{{1,20}}+')"
        )

    def find(text: str) -> Iterator[Span]:
        return (Span(*found.span(), kind) for found in compiled.finditer(text))

    return find


def _cost(sequence: Any, pattern: str) -> tuple[int, int]:
    """The most steps a try takes, and in how many ways it can succeed: what follows is tried once for each of them."""
    steps, ways = 0, 1
    for operation, argument in sequence:
        own_steps, own_ways = _cost_of(str(operation), argument, pattern)
        steps += ways * own_steps
        ways *= own_ways
        if steps > 10**9 or ways > 10**9:
            return 10**9, 10**9
    return steps, ways


def _cost_of(operation: str, argument: Any, pattern: str) -> tuple[int, int]:
    if operation in _REFUSED:
        raise ValueError(f"{pattern!r} {_REFUSED[operation]}: that is not linear in time")
    if operation == "SUBPATTERN":
        return _cost(argument[3], pattern)
    if operation == "ATOMIC_GROUP":
        return _cost(argument, pattern)[0], 1
    if operation == "BRANCH":
        costs = [_cost(branch, pattern) for branch in argument[1]]
        return sum(steps for steps, _ in costs), sum(ways for _, ways in costs)
    if operation.endswith("_REPEAT"):
        least, most, repeated = argument
        return _cost_of_repeat(operation, int(least), int(most), repeated, pattern)
    return 1, 1


def _cost_of_repeat(operation: str, least: int, most: int, repeated: Any, pattern: str) -> tuple[int, int]:
    if most >= _UNBOUNDED:
        raise ValueError(f"{pattern!r} repeats without an end: say how often at most, as in '{{1,64}}', for '+' or '*'")
    own_steps, own_ways = _cost(repeated, pattern)
    if operation == "POSSESSIVE_REPEAT":
        return most * own_steps, 1
    steps, ways, times = 0, 0, 1
    for count in range(most + 1):
        ways += times if count >= least else 0
        steps += times * own_steps if count < most else 0
        times *= own_ways
        if steps > 10**9 or ways > 10**9 or times > 10**9:
            return 10**9, 10**9
    return steps, max(ways, 1)
