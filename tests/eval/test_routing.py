"""The whole command on data that is made up."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from .experiments import NAMED_PAIRS, Study, in_domain, latency, shrunk, unseen_domain, unseen_pair
from .outcomes import examples, read
from .package import priors
from .rivals import LOCAL
from .routing import main
from .tables import page


def outcomes(chance: random.Random) -> list[dict[str, object]]:
    """Sums, which the weak model fails when they are long, and questions, by the hard words in them."""
    rows: list[dict[str, object]] = []
    for index in range(500):
        terms = chance.randint(2, 30)
        text = f"{index}: How much is {' + '.join(str(chance.randint(1, 99)) for _ in range(terms))} in all?"
        rows.append({"source": "sums", "prompt": text, "weak": float(terms < 15), "strong": 1.0})
    models = {name for pair in NAMED_PAIRS for name in pair}
    for index in range(700):
        code = chance.random() < 0.5
        asked = "Write a python function that returns" if code else "Who was the person who invented"
        text = f"{asked} {' '.join(chance.choices(('red', 'old', 'big', 'odd'), k=12))} {index}"
        scores = {name: float(not code or "sonnet" in name or "o1" in name) for name in models}
        rows.append({"source": "many", "prompt": text, "scores": scores})
    return rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("eval") / "made.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in outcomes(random.Random(1))))
    return path


@pytest.fixture(scope="module")
def study(data: Path) -> Study:
    rows = read(data)
    rivals = {name: dict(zip([row.prompt for row in rows], score(rows), strict=True)) for name, score in LOCAL.items()}
    return Study(rows=rows, rivals=rivals, seed=1, say=lambda _: None)


def test_in_domain_the_router_beats_chance_and_the_oracle_beats_it(study: Study) -> None:
    lines = {(one["source"], one["name"]): one for one in in_domain(study)}
    own, best = lines["sums", "router"]["apgr"], lines["sums", "oracle"]["apgr"]
    assert isinstance(own, float)
    assert isinstance(best, float)
    assert lines["sums", "random"]["apgr"] == pytest.approx(0.5)
    assert 0.6 < own <= best


def test_of_an_unseen_domain_nothing_is_known(study: Study) -> None:
    for line in unseen_domain(study):
        assert line["known"] == 0
        assert line["apgr"] == pytest.approx(0.5)


def test_an_unseen_pair_is_learned_from_its_task_types(study: Study) -> None:
    lines = unseen_pair(study)
    assert {one["name"] for one in lines if one["named"]} == {" → ".join(pair) for pair in NAMED_PAIRS}
    assert all(one["apgr"] == pytest.approx(0.75, abs=0.05) for one in lines)


def test_gains_of_few_labels_are_drawn_to_the_mean() -> None:
    gains = shrunk([("code", 1.0)] * 1 + [("math", 0.0)] * 99, 10)
    assert gains["code"] == pytest.approx((1 + 10 * 0.01) / 11)


def test_every_task_type_has_a_prior(study: Study) -> None:
    found = priors(study.rows)
    assert found["code"]["gain"] > found["translation"]["gain"]
    assert all(5 <= one["strength"] <= 50 for one in found.values())


def test_the_page_has_a_table_for_every_question(study: Study) -> None:
    from cognitude_plugins.complexity_router import training

    weights = training.fit(examples(study.rows[:300])).weights
    results = {"in domain": in_domain(study), "unseen pair": unseen_pair(study), "latency": latency(study, weights)}
    text = page({**results, "machine": "here", "seconds": 1})
    assert "| sums " in text
    assert "mean of" in text


def test_without_data_the_command_says_what_it_wants(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["eval-routing"])
    assert main() == 2
    assert "DATA=" in capsys.readouterr().err


def test_the_shipped_weights_score_a_file_of_any_sources(data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.eval.routing", str(data), "--shipped"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert "| sums " in done.stdout
