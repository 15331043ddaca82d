"""Our encodings against tiktoken's own, made the way tiktoken makes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.counting import prepare
from cognitude_plugins.gateway.ledger.encodings import CL100K, O200K, encoding, encoding_name, vocabularies

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def theirs() -> dict[str, object]:
    import tiktoken

    prepare()
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(vocabularies())
    try:
        return {name: tiktoken.get_encoding(name) for name in (O200K, CL100K)}
    finally:
        del os.environ["TIKTOKEN_CACHE_DIR"]
        if before is not None:
            os.environ["TIKTOKEN_CACHE_DIR"] = before


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_a_text_has_the_tokens_that_tiktoken_gives_it(theirs: dict[str, object], text: str) -> None:
    for name in (O200K, CL100K):
        ours, other = encoding(name), theirs[name]
        assert ours is not None
        assert ours.encode_ordinary(text) == other.encode_ordinary(text)  # type: ignore[attr-defined]


def test_they_cut_text_as_tiktoken_s_own_do(theirs: dict[str, object]) -> None:
    for name in (O200K, CL100K):
        ours, other = encoding(name), theirs[name]
        assert ours is not None
        assert ours._pat_str == other._pat_str  # type: ignore[attr-defined]
        assert ours._mergeable_ranks == other._mergeable_ranks  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4", CL100K),
        ("gpt-4-0613", CL100K),
        ("gpt-4-turbo", CL100K),
        ("openai/gpt-3.5-turbo", CL100K),
        ("gpt-35-turbo", CL100K),
        ("ft:gpt-3.5-turbo:acme::1", CL100K),
        ("text-embedding-3-small", CL100K),
        ("gpt-4o-mini", O200K),
        ("ft:gpt-4o-mini:acme::1", O200K),
        ("gpt-4.1-nano", O200K),
        ("gpt-5", O200K),
        ("o3-mini", O200K),
        ("claude-sonnet-4-5", O200K),
        ("", O200K),
    ],
)
def test_the_encoding_is_the_model_s(model: str, name: str) -> None:
    assert encoding_name(model) == name


def test_many_threads_load_it_once() -> None:
    code = """
import sys, threading
opened = []
sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == "open" else None)
from cognitude_plugins.gateway.ledger.encodings import O200K, encoding, vocabularies
found, ready = [], threading.Barrier(8)
def load():
    ready.wait()
    found.append(encoding(O200K))
threads = [threading.Thread(target=load) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 8 and None not in found and len(set(map(id, found))) == 1
assert len([path for path in opened if str(path).startswith(str(vocabularies()))]) == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_loading_leaves_environment_files_network_and_litellm_alone() -> None:
    code = """
import os, sys, tempfile
from pathlib import Path
os.environ["TMPDIR"] = tempfile.mkdtemp()
tempfile.tempdir = None
seen, before = [], dict(os.environ)
sys.addaudithook(lambda event, arguments: seen.append(event) if event.startswith("socket.") else None)
from cognitude_plugins.gateway.ledger.counting import completion_tokens, prepare
assert "tiktoken" not in sys.modules
prepare()
assert completion_tokens("tiktoken is great!", "gpt-4o") == 6
assert "tiktoken" in sys.modules and "litellm" not in sys.modules
assert dict(os.environ) == before and not seen and not list(Path(os.environ["TMPDIR"]).iterdir())
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
