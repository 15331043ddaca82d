"""What it comes to when calls are answered by another model: sums over cells, expected, cautiously and boldly."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .cells import Cell, Group, halves
from .finding import Owned
from .monthly import Saving, monthly


@dataclass(slots=True, kw_only=True)
class Moves:
    """``pairs`` has what is saved by requested model, model and the cheaper one."""

    owned: Owned
    calls: int = 0
    cost: int = 0
    total: int = 0
    pairs: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    groups: set[Group] = field(default_factory=set)
    examples: set[int] = field(default_factory=set)
    _expected: list[tuple[int, int]] = field(default_factory=list)
    _cautious: list[tuple[int, int]] = field(default_factory=list)
    _bold: list[tuple[int, int]] = field(default_factory=list)

    def add(self, cell: Cell, pair: tuple[str, str, str], *, expected: int, cautious: int, bold: int) -> None:
        """What is saved on the cell's calls."""
        self.calls += cell.calls
        self.cost += cell.cost
        self.pairs[pair] += expected
        self.groups.add(cell.group)
        self._expected.append((cell.half, expected))
        self._cautious.append((cell.half, cautious))
        self._bold.append((cell.half, bold))
        if not self.owned(cell.group, cell.repeat):
            self.total += expected
        if cell.example is not None:
            self.examples.add(cell.example)

    def saving(self, days: float) -> Saving:
        return Saving.of(halves(self._expected), cautious=halves(self._cautious), bold=halves(self._bold), days=days)

    def counted(self, days: float) -> int:
        """Of a month, on calls that nobody counted before."""
        return monthly(self.total, days)

    def most(self) -> tuple[str, str, str]:
        """The pair that saves the most."""
        return max(self.pairs, key=lambda pair: (self.pairs[pair], pair))

    def shown(self) -> list[int]:
        return sorted(self.examples)[:3]
