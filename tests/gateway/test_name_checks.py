"""Fallbacks and aliases name models that exist, and never come back to themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from cognitude_plugins.gateway.config import load
from hooks import ConfigError, Problem

PLAIN = "provider: simulated/x"


def problems(tmp_path: Path, *models: str) -> list[Problem]:
    path = tmp_path / "plugins.yaml"
    path.write_text("models:\n" + "".join(f"  - {{{model}}}\n" for model in models))
    try:
        load(path, {})
    except ConfigError as error:
        return list(error.problems)
    return []


def test_a_fallback_may_be_a_model_or_an_alias(tmp_path: Path) -> None:
    made = (f"name: a, {PLAIN}, fallbacks: [b, c]", f"name: b, {PLAIN}", "name: c, candidates: [b], fallbacks: [d]")
    assert problems(tmp_path, *made, f"name: d, {PLAIN}") == []


def test_one_that_is_nobodys_is_named_with_its_line_and_what_is_near(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, f"name: small, {PLAIN}", f"name: a, {PLAIN}, fallbacks: [smal]")
    assert (problem.path, problem.line) == ("models[1].fallbacks[0]", 3)
    assert "smal" in str(problem)
    assert "small" in str(problem)


def test_the_catch_all_is_no_fallback(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, 'name: "*", provider: simulated/*', f'name: a, {PLAIN}, fallbacks: ["*"]')
    assert "cannot be a fallback" in problem.rule


@pytest.mark.parametrize(
    ("models", "chain", "line"),
    [
        ((f"name: a, {PLAIN}, fallbacks: [a]",), "a → a", 2),
        ((f"name: a, {PLAIN}, fallbacks: [b]", f"name: b, {PLAIN}, fallbacks: [a]"), "a → b → a", 2),
        (
            (f"name: b, {PLAIN}, fallbacks: [x]", "name: x, candidates: [y]", "name: y, candidates: [b]"),
            "b → x → y → b",
            2,
        ),
        ((f"name: b, {PLAIN}", "name: x, candidates: [b], fallbacks: [x]"), "x → x", 3),
        (("name: x, candidates: [y]", "name: y, candidates: [x]"), "x → y → x", 2),
    ],
)
def test_a_chain_that_comes_back_is_told_with_its_line(
    tmp_path: Path, models: tuple[str, ...], chain: str, line: int
) -> None:
    first, *_ = problems(tmp_path, *models)
    assert f"({chain})" in first.rule
    assert first.line == line
