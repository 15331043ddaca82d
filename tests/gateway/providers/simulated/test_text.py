"""Deterministic text, and token counts close to the real tokenizers'."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.providers.simulated.text import count_tokens, digest, pieces, write

ROOT = Path(__file__).parents[4]


@pytest.fixture(params=["cl100k_base", "o200k_base"])
def tokens(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """tiktoken's count, from the vocabularies in LiteLLM's wheel: no network."""
    spec = importlib.util.find_spec("litellm")
    assert spec is not None
    assert spec.origin is not None
    monkeypatch.setitem(
        os.environ, "TIKTOKEN_CACHE_DIR", str(Path(spec.origin).parent / "litellm_core_utils/tokenizers")
    )
    import tiktoken

    encoding = tiktoken.get_encoding(request.param)
    return lambda text: len(encoding.encode(text))


@given(st.text(max_size=300))
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(st.text(max_size=20), st.integers(0, 200))
def test_what_is_written_has_the_length_asked_for(seed: str, length: int) -> None:
    text = write(seed, length)
    assert count_tokens(text) == length
    assert write(seed, length) == text


def test_the_written_text_counts_exactly_as_the_real_tokenizers_do(tokens: Callable[[str], int]) -> None:
    for seed in map(str, range(20)):
        assert tokens(write(seed, 150)) == 150


@pytest.mark.parametrize("path", ["hooks/reply.py", "hooks/spec.py", "pyproject.toml"])
def test_code_counts_within_a_sixth_of_the_real_tokenizers(path: str, tokens: Callable[[str], int]) -> None:
    text = (ROOT / path).read_text()
    assert count_tokens(text) == pytest.approx(tokens(text), rel=1 / 6)


def test_a_question_counts_within_a_tenth(tokens: Callable[[str], int]) -> None:
    text = (
        "Hello! What is the weather in Paris going to be like on Sunday, and should I bring an umbrella? Thanks a lot."
    )
    assert count_tokens(text) == pytest.approx(tokens(text), rel=0.1)


def test_a_digest_depends_on_where_its_parts_end() -> None:
    assert digest("a", "bc") != digest("ab", "c")
    assert digest("a", b"\xff", "\ud800") == digest("a", b"\xff", "\ud800")


@pytest.mark.parametrize("text", [" " * 200_000, "a" * 200_000, "\n " * 100_000, " \t" * 100_000 + "x", "_-" * 100_000])
@pytest.mark.timeout(10)
def test_counting_takes_linear_time(text: str) -> None:
    assert "".join(pieces(text)) == text
