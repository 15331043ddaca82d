from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.counting import completion_tokens
from cognitude_plugins.gateway.ledger.estimate import estimated_tokens

ROOT = Path(__file__).parents[3]
SAMPLES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "hooks").glob("*.py")),
    *sorted((ROOT / "cognitude_plugins").glob("*/README.md")),
]


def test_it_is_near_what_the_vocabulary_gives() -> None:
    errors = []
    for path in SAMPLES:
        text = path.read_text()
        exact = completion_tokens(text, "gpt-4o")
        errors.append(abs(estimated_tokens(text) - exact) / exact)
    assert sum(errors) / len(errors) < 0.1
    assert max(errors) < 0.25


@pytest.mark.parametrize("text", ["日本語の文章です。" * 20, "Ελληνικό κείμενο " * 20, "1234567890" * 20, "👍" * 50])
def test_other_scripts_are_within_a_factor_of_two(text: str) -> None:
    exact = completion_tokens(text, "gpt-4o")
    assert exact / 2.2 < estimated_tokens(text) < exact * 2.2


@given(st.text())
def test_only_nothing_is_nothing(text: str) -> None:
    assert (estimated_tokens(text) == 0) is (text == "")


def test_without_vocabularies_the_estimate_is_what_is_counted() -> None:
    code = """
from pathlib import Path
from cognitude_plugins.gateway.ledger import encodings
from cognitude_plugins.gateway.ledger.counting import completion_tokens, prompt_tokens
from cognitude_plugins.gateway.ledger.estimate import estimated_tokens
encodings.vocabularies = lambda: Path("/nowhere")
text = "The files are not there, so this is an estimate."
assert completion_tokens(text, "gpt-4o") == estimated_tokens(text) > 0
assert prompt_tokens("chat", {"messages": [{"role": "user", "content": text}]}, "gpt-4o") == estimated_tokens(text) + 7
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
