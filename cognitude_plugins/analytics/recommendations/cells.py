"""Sums over like calls: what recommendations are computed from, as SQL found them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from .sizes import end_of

Halves = tuple[int, int]
"""Of an amount, that of the first and of the second half of the time."""
NOTHING: Final[Halves] = (0, 0)


class Cell(NamedTuple):
    """Good answers of one deployment, all of one kind.

    ``half`` is 0 or 1 of the time looked back at. ``complexity`` is the router's class, None of what was not routed.
    ``short`` says that prompt and answer are, ``tier`` is `sizes.long_prompt`, ``size`` the class of the answer's
    length. ``repeat``: the same was answered before; ``near``: nearly the same was. Tokens and nano-dollars are sums;
    ``longest`` is the most tokens of prompt and answer. ``limited`` calls had a limit on the answer, ``limits`` is the
    sum of these, ``cut`` how many reached it. ``known`` calls have a fingerprint, for ``asked`` a cache was asked;
    ``example`` is one of their ``request_digest``.
    """

    half: int
    deployment: str
    requested_model: str
    complexity: str | None
    short: int
    tier: int
    size: int
    repeat: int
    near: int
    calls: int
    cost: int
    prompt: int
    completion: int
    cached: int
    written: int
    reasoning: int
    longest: int
    limited: int
    limits: int
    cut: int
    known: int
    asked: int
    example: int | None

    @property
    def group(self) -> Group:
        return Group(self.deployment, self.requested_model, self.complexity, self.short)

    @property
    def end(self) -> int:
        return end_of(self.size)


class Group(NamedTuple):
    """What a recommendation takes as a whole or leaves."""

    deployment: str
    requested_model: str
    complexity: str | None
    short: int


class Repeats(NamedTuple):
    """Calls whose answer had been given before, by the reason why no cache gave it.

    ``soon`` is what those cost that came within a day of the first answer, and not at the same time.
    """

    reason: str
    half: int
    calls: int
    cost: int
    soon: int
    example: int | None
    other_example: int | None


class Cuts(NamedTuple):
    """Answers that ended at their limit and were asked for again with a higher one."""

    half: int
    group: Group
    repeat: int
    calls: int
    cost: int
    most_tokens: int
    example: int | None


class Beginnings(NamedTuple):
    """Calls with one beginning. ``warm`` of them came while a provider could still have had it.

    ``discounted`` is the sum of all cached tokens, up to ``tokens`` each; ``prompt`` and ``completion`` are sums.
    """

    half: int
    group: Group
    prefix: int
    tokens: int
    calls: int
    warm: int
    discounted: int
    prompt: int
    completion: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Everything that was found of an organization's last ``days``.

    Of a very large one, one prompt in ``part`` was looked at, and all sums but those of beginnings multiplied by it.
    """

    days: float
    part: int = 1
    cells: tuple[Cell, ...]
    repeats: tuple[Repeats, ...]
    cuts: tuple[Cuts, ...]
    beginnings: tuple[Beginnings, ...]

    @property
    def calls(self) -> int:
        return sum(cell.calls for cell in self.cells)

    @property
    def fingerprinted(self) -> int:
        return sum(cell.known for cell in self.cells)


def halves(amounts: Iterable[tuple[int, int]]) -> Halves:
    """The sums of pairs of half and amount."""
    found = [0, 0]
    for half, amount in amounts:
        found[half] += amount
    return found[0], found[1]
