"""What comes with the package is whole, small, and says where it is from."""

from __future__ import annotations

import hashlib

from cognitude_plugins.complexity_router import model, shipped
from cognitude_plugins.complexity_router.features import describe
from cognitude_plugins.complexity_router.tasks import TASK_TYPES


def test_the_weights_are_small_and_those_that_were_measured() -> None:
    packed = shipped.WEIGHTS.read_bytes()
    assert len(packed) < 250_000
    assert hashlib.sha256(packed).hexdigest() == shipped.origin()["weights_sha256"]
    assert shipped.weights().rows == sum(one["rows"] for one in shipped.origin()["sources"])


def test_their_origin_names_data_licences_command_and_figures() -> None:
    origin = shipped.origin()
    assert all(one["licence"].startswith(("Apache-2.0", "MIT")) for one in origin["sources"])
    assert origin["command"].startswith("make eval-routing")
    assert origin["measured"]["in domain"]


def test_they_know_what_they_were_learned_from_and_not_what_they_were_not() -> None:
    weights = shipped.weights()
    known = "Which of the following is the largest organ of the body?\nA. Liver\nB. Skin\nC. Lung\nD. Brain\nAnswer:"
    strange = "\n".join(f"[{index:04}] WARN kernel: eth{index} link down; retry={index}" for index in range(60))
    assert model.score(weights, describe(known)).known
    assert not model.score(weights, describe(strange)).known


def test_every_task_type_has_a_prior() -> None:
    priors = shipped.priors()
    assert sorted(priors) == sorted(TASK_TYPES)
    assert all(-1 <= one.gain <= 1 and one.strength > 0 for one in priors.values())
