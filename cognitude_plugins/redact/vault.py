"""Which placeholder stands for which value in one call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

PLACEHOLDER: Final = re.compile(r"\[[A-Z][A-Z0-9_]{2,60}+\]")
"""The shape of a placeholder, ``[EMAIL_1]``: brackets are at its ends only, so two can never overlap."""


def lookalikes(text: str) -> Iterable[str]:
    """What in a text is shaped like a placeholder, so that none is chosen that stands there already."""
    return PLACEHOLDER.findall(text) if "[" in text else ()


class Vault:
    """Placeholders by value, numbered per kind; the same value has the same placeholder, whatever its kind.

    Numbers and not random tags, so that equal prompts stay equal to a provider's prompt cache. None of ``taken`` is
    given out. Values are in no repr.
    """

    __slots__ = ("_by_value", "_counts", "_taken", "_values")

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = frozenset(taken)
        self._by_value: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Vault({len(self)} values)"

    @property
    def values(self) -> Mapping[str, str]:
        """Values by placeholder."""
        return MappingProxyType(self._values)

    def placeholder(self, kind: str, value: str) -> str:
        known = self._by_value.get(value)
        if known is None:
            known = self._by_value[value] = self._next(kind)
            self._values[known] = value
        return known

    def _next(self, kind: str) -> str:
        while True:
            count = self._counts[kind] = self._counts.get(kind, 0) + 1
            if (placeholder := f"[{kind}_{count}]") not in self._taken:
                return placeholder
