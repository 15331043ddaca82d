"""Which of a list is for a call: the first whose models and condition match."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Generic, TypeVar

from hooks import Call

from .expressions import Expression
from .facts import Facts
from .patterns import matcher

T = TypeVar("T")

_NAMES: Final = 1024
_KEPT_LENGTH: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Generic[T]):
    """``models`` are names and patterns, None for all."""

    models: Sequence[str] | None
    condition: Expression | None
    value: T


class Choices(Generic[T]):
    def __init__(self, choices: Sequence[Choice[T]], facts: Facts) -> None:
        self._facts = facts
        self._choices = [(matcher(choice.models), choice.condition, choice.value) for choice in choices]
        self._kept: Callable[[str], Sequence[tuple[Expression | None, T]]] = lru_cache(_NAMES)(self._matching)

    def __bool__(self) -> bool:
        return bool(self._choices)

    def of(self, call: Call) -> T | None:
        name = call.model
        found = self._kept(name) if len(name) <= _KEPT_LENGTH else self._matching(name)
        for condition, value in found:
            if condition is None or condition.holds(self._facts.of(call, condition.names)):
                return value
        return None

    def failures(self) -> int:
        """Evaluations of conditions that failed."""
        return sum(0 if condition is None else condition.failures for _, condition, _ in self._choices)

    def _matching(self, name: str) -> Sequence[tuple[Expression | None, T]]:
        return tuple((condition, value) for matches, condition, value in self._choices if matches(name))
