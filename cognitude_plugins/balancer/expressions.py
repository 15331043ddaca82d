"""Conditions of rules: expressions in CEL, compiled once, that read a few facts of a call and cannot take long.

What is allowed is chosen so that the time of an evaluation grows with the length of the expression and of the texts it
looks at and with nothing else: the library's loops can be nested, and its ``matches`` compiles its pattern anew for
each call, which takes up to 20 ms for 300 characters.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

FACTS: Final[Mapping[str, frozenset[str] | None]] = {
    "call": frozenset({"model", "api", "stream"}),
    "caller": frozenset({"organization", "key", "user", "role"}),
    "time": frozenset({"hour", "minute", "weekday", "date"}),
    "tags": None,
    "headers": None,
}
"""What an expression may read, and its members; None where they are the request's."""

_LONGEST: Final = 1000
_DEEPEST: Final = 32
_OPERATORS: Final = frozenset(
    {"!_", "_&&_", "_||_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_[_]", "-_"}
)
_FUNCTIONS: Final = frozenset({"size", "contains", "startsWith", "endsWith"})
_TEXT: Final = re.compile(r"""[rRbB]{0,2}("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""")
_MEMBER: Final = re.compile(r"(?<![\w.])(\w+)\s*\.\s*(\w+)")
_MISSING: Final = (KeyError, IndexError)

log: Final = logging.getLogger("cognitude.balancer")


class Expression:
    """Raises ``ValueError`` for a text that is none. ``failures`` counts evaluations that failed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.failures = 0
        self._program = _compiled(text)
        self.names: Final = frozenset(self._program.variables())

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """False too when it cannot be evaluated; what is no missing name is counted, and logged once."""
        try:
            found = self._program.execute(facts)
        except _MISSING:
            return False
        except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            self._failed(f"{type(error).__name__}: {str(error).partition('.')[0][:200]}")
            return False
        if not isinstance(found, bool):
            self._failed(f"it is {type(found).__name__}, neither true nor false")
            return False
        return found

    def _failed(self, why: str) -> None:
        self.failures += 1
        if self.failures == 1:
            log.warning("the condition %r could not be evaluated and does not match: %s", self.text, why)


def _compiled(text: str) -> Any:
    if len(text) > _LONGEST:
        raise ValueError(f"an expression has at most {_LONGEST} characters, not {len(text)}")
    bare = _TEXT.sub("''", text)
    if max(bare.count(opening) for opening in "([{") > _DEEPEST:
        raise ValueError(f"an expression has at most {_DEEPEST} brackets of a kind")
    # Imported for the first condition only: its package brings a command line with it, some 100 ms.
    import cel

    try:
        program = cel.compile(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no expression: {_short(error)}") from None
    _check_functions(text, program.functions())
    _check_names(text, bare, program.variables())
    return program


def _check_functions(text: str, functions: list[str]) -> None:
    for name in functions:
        if name not in _OPERATORS and name not in _FUNCTIONS:
            shown = "a loop" if name.startswith("@") else name.replace("_", " ").strip()
            rest = f"operators of logic and comparison, in, has, {', '.join(sorted(_FUNCTIONS))}"
            raise ValueError(f"{text!r} uses {shown}, which is not allowed here: there are {rest}")


def _check_names(text: str, bare: str, variables: list[str]) -> None:
    for name in variables:
        if name not in FACTS:
            raise ValueError(f"{text!r} reads {name!r}, which is not known: there are {', '.join(FACTS)}")
    for name, member in _MEMBER.findall(bare):
        members = FACTS.get(name)
        if members is not None and member not in members:
            raise ValueError(f"{text!r} reads {name}.{member}, which is not known: {_listed(name, members)}")


def _listed(name: str, members: frozenset[str]) -> str:
    return f"{name} has {', '.join(sorted(members))}"


def _short(error: ValueError) -> str:
    """The parser's own sentence, without its drawing and its list of everything that could stand there."""
    found = re.search(r"ERROR: <input>:\d+:(\d+): (.*?)(?: expecting |\n|$)", str(error))
    return f"{found[2]} at character {found[1]}" if found else "it cannot be parsed"
