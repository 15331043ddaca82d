"""How hard a prompt looks."""

from __future__ import annotations

from itertools import pairwise

from cognitude_plugins.complexity_router.complexity import COMPLEX_FROM, MEDIUM_FROM, complexity, level
from cognitude_plugins.complexity_router.features import describe

RISING = (
    "hi",
    "Explain why the sky is blue",
    "Compare two designs of a distributed rate limiter, and assess step by step which scales.",
    "Design a distributed rate limiter for 200 000 requests per second: compare architectures, justify the trade-offs,"
    " prove that no limit is exceeded when clocks differ, and implement the algorithm as a class in python with tests.",
)


def test_what_asks_for_more_scores_higher() -> None:
    scores = [complexity(describe(one)).score for one in RISING]
    assert all(a < b for a, b in pairwise(scores))
    assert complexity(describe(RISING[0])).level == "simple"
    assert complexity(describe(RISING[-1])).level == "complex"


def test_the_level_goes_with_the_score() -> None:
    assert [level(one) for one in (0, MEDIUM_FROM - 1e-9, MEDIUM_FROM, COMPLEX_FROM - 1e-9, COMPLEX_FROM, 1)] == [
        "simple",
        "simple",
        "medium",
        "medium",
        "complex",
        "complex",
    ]


def test_what_made_it_is_named_and_largest_first() -> None:
    made_by = complexity(describe("Prove that the integral of this function is 0.")).made_by
    assert "words of proof" in dict(made_by)
    sizes = [abs(part) for _, part in made_by]
    assert sizes == sorted(sizes, reverse=True)
