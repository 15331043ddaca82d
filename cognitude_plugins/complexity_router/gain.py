"""What is known of how much better one model is than another: counts of comparisons, shrunk to a prior.

A comparison says that the reference was better, that the candidate was, or neither. The shares of the three have a
Dirichlet posterior, whose margins are Beta: the prior's counts plus those that were seen. The **loss** is the share of
comparisons that the candidate loses minus that which it wins, that is the quality given up by taking it, from -1 to 1;
its mean and variance are those of a difference of two components (Johnson, Kotz: "Continuous Multivariate
Distributions", 1972).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt
from typing import Final, NamedTuple

FADE: Final = 0.995
"""What an older comparison counts for when a new one comes: 200 are remembered in all, so that a model that has become
worse is noticed after some, and not after as many as were good."""

STRENGTH: Final = 3.0
"""So many comparisons the prior is worth."""

STRONG: Final = 0.9
"""The quality of a default model of which nothing was published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Faded counts of comparisons; ``labels`` is how many there were in all, unfaded."""

    losses: float = 0.0
    wins: float = 0.0
    ties: float = 0.0
    labels: int = 0

    def with_label(self, loss: float) -> Cell:
        """``loss`` is the reference's quality minus the candidate's, each in 0 … 1."""
        return Cell(
            losses=self.losses * FADE + max(loss, 0.0),
            wins=self.wins * FADE + max(-loss, 0.0),
            ties=self.ties * FADE + 1.0 - abs(loss),
            labels=self.labels + 1,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """Faded scores of one model's answers, in 0 … 1, as its users gave them."""

    count: float = 0.0
    total: float = 0.0
    labels: int = 0

    def with_score(self, score: float) -> Rating:
        return Rating(count=self.count * FADE + 1, total=self.total * FADE + score, labels=self.labels + 1)


class Loss(NamedTuple):
    """What is believed of the loss: ``mean`` and ``deviation``, after ``labels`` of this organization's own.

    ``allowed`` is what is known of this very prompt, where such prompts were learned from: whether the candidate may
    have it.
    """

    mean: float
    deviation: float
    labels: int = 0
    allowed: bool | None = None

    def at_most(self, bound: float) -> float:
        """The probability that it is, by the normal approximation."""
        if self.deviation <= 0:
            return 1.0 if self.mean <= bound else 0.0
        return 0.5 * (1 + erf((bound - self.mean) / (self.deviation * sqrt(2))))

    def bound(self, confidence: float) -> float:
        """What it is at most, with this probability."""
        low, high = -1.0, 1.0
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (low, middle) if self.at_most(middle) >= confidence else (middle, high)
        return high


NO_CELL: Final = Cell()
NO_RATING: Final = Rating()


def posterior(
    cell: Cell,
    *,
    candidate: float,
    reference: float,
    rated: Rating = NO_RATING,
    reference_rated: Rating = NO_RATING,
) -> Loss:
    """The loss of taking the candidate in the reference's place.

    ``candidate`` and ``reference`` are the qualities that the prior gives them, in 0 … 1; users' scores are added to
    them. Both answers to one question taken as independent, the reference is better in q (1 - p) of all, and worse in
    p (1 - q). Two ratings are worth as many comparisons as half their harmonic mean.
    """
    known, known_reference = rated.count + 2 * STRENGTH, reference_rated.count + 2 * STRENGTH
    p = (candidate * 2 * STRENGTH + rated.total) / known
    q = (reference * 2 * STRENGTH + reference_rated.total) / known_reference
    strength = known * known_reference / (known + known_reference)
    count = strength + cell.losses + cell.wins + cell.ties
    lost = (strength * q * (1 - p) + cell.losses) / count
    won = (strength * p * (1 - q) + cell.wins) / count
    variance = (lost * (1 - lost) + won * (1 - won) + 2 * lost * won) / (count + 1)
    return Loss(
        mean=lost - won, deviation=sqrt(variance), labels=cell.labels + min(rated.labels, reference_rated.labels)
    )
