"""What is known of how much better one model is than another."""

from __future__ import annotations

import random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.complexity_router.gain import FADE, NO_CELL, NO_RATING, Cell, Loss, Rating, posterior


def cell(losses: int = 0, wins: int = 0, ties: int = 0) -> Cell:
    found = NO_CELL
    for loss in [1.0] * losses + [-1.0] * wins + [0.0] * ties:
        found = found.with_label(loss)
    return found


def test_without_labels_the_prior_speaks_alone_and_not_loudly() -> None:
    found = posterior(NO_CELL, candidate=0.7, reference=0.9)
    assert found.mean == pytest.approx(0.2)
    assert found.labels == 0
    assert found.deviation > 0.2


def test_labels_outweigh_the_prior() -> None:
    found = posterior(cell(ties=100), candidate=0.3, reference=0.9)
    assert found.mean < 0.05
    assert found.labels == 100


def test_the_loss_is_what_is_lost_less_what_is_won() -> None:
    many = Cell(losses=3000.0, wins=1000.0, ties=6000.0, labels=10_000)
    assert posterior(many, candidate=0.5, reference=0.5).mean == pytest.approx(0.2, abs=0.001)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(5)
    covered = 0
    for _ in range(400):
        lost, won = chance.uniform(0.05, 0.5), chance.uniform(0.05, 0.4)
        found = Cell(losses=0, wins=0, ties=0)
        for _ in range(80):
            drawn = chance.random()
            found = found.with_label(1.0 if drawn < lost else -1.0 if drawn < lost + won else 0.0)
        believed = posterior(found, candidate=0.6, reference=0.7)
        covered += abs(believed.mean - (lost - won)) < 1.645 * believed.deviation
    assert 0.85 <= covered / 400 <= 0.95


def test_partial_losses_count_in_part() -> None:
    half = NO_CELL.with_label(0.5)
    assert (half.losses, half.ties, half.labels) == (0.5, 0.5, 1)
    assert NO_CELL.with_label(-0.25) == Cell(wins=0.25, ties=0.75, labels=1)


def test_what_was_seen_long_ago_fades() -> None:
    once = cell(losses=1, ties=200)
    assert once.losses == pytest.approx(FADE**200)
    assert once.labels == 201
    changed = cell(ties=500)
    for _ in range(10):
        changed = changed.with_label(1.0)
    assert posterior(changed, candidate=0.9, reference=0.9).at_most(0.05) < 0.7


def test_ratings_move_what_is_expected_of_a_model() -> None:
    liked, disliked = NO_RATING, NO_RATING
    for _ in range(40):
        liked, disliked = liked.with_score(1.0), disliked.with_score(0.0)
    bad = posterior(NO_CELL, candidate=0.9, reference=0.9, rated=disliked, reference_rated=liked)
    assert bad.mean > 0.7
    assert bad.labels == 40
    alone = posterior(NO_CELL, candidate=0.9, reference=0.9, rated=disliked)
    assert alone.mean > 0.4
    assert alone.labels == 0, "of one model alone nothing is known of the other"


@given(
    st.lists(st.floats(-1, 1, allow_nan=False), max_size=30),
    st.floats(0, 1),
    st.floats(0, 1),
    st.lists(st.floats(0, 1), max_size=10),
)
def test_it_stays_within_its_bounds(
    losses: list[float], candidate: float, reference: float, scores: list[float]
) -> None:
    found, rated = NO_CELL, Rating()
    for loss in losses:
        found = found.with_label(loss)
    for score in scores:
        rated = rated.with_score(score)
    believed = posterior(found, candidate=candidate, reference=reference, rated=rated)
    assert -1.0001 <= believed.mean <= 1.0001
    assert 0 <= believed.deviation <= 1


def test_the_bound_and_its_probability_belong_together() -> None:
    loss = Loss(mean=0.1, deviation=0.05)
    assert loss.bound(0.8) == pytest.approx(0.1 + 0.05 * NormalDist().inv_cdf(0.8), abs=1e-6)
    assert loss.at_most(loss.bound(0.9)) == pytest.approx(0.9, abs=1e-5)
    certain = Loss(mean=0.1, deviation=0.0)
    assert (certain.at_most(0.1), certain.at_most(0.09)) == (1.0, 0.0)
