"""Finding keys and tokens."""

from __future__ import annotations

import pytest

from cognitude_plugins.redact.keys import keys

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+IBA/AKCAQEA\nabc=\n-----END RSA PRIVATE KEY-----"


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in keys(text)]


@pytest.mark.parametrize(
    "key",
    [
        "sk-" + "a1B2" * 12,
        "sk-ant-api03-" + "a1-_" * 20,
        "sk-proj-" + "x" * 40,
        "sk_live_" + "a1" * 12,
        "cog_" + "a1-_" * 11,
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1" * 18,
        "gho_" + "a1" * 18,
        "github_pat_" + "a1_" * 20,
        "xoxb-123456789012-abcdef",
        "AIza" + "a1-_x" * 7,
        "glpat-" + "a1-_" * 5,
        "hf_" + "aB" * 17,
        "SG." + "a1" * 11 + "." + "b2" * 20,
        JWT,
        PEM,
        PEM.replace("\n", "\\n"),
        "-----BEGIN PRIVATE KEY-----\nMIIEow\n",
        PEM.replace("RSA PRIVATE", "PGP PRIVATE").replace("KEY", "KEY BLOCK"),
    ],
)
def test_a_key_is_found_alone_and_between_other_things(key: str) -> None:
    assert found(key) == [key]
    assert found(f'"{key}"') == [key]
    assert found(f"line\\n{key}") == [key]
    assert found(f"key={key}, and more") == [key]


@pytest.mark.parametrize(
    "text",
    [
        "sk-short",
        "the task-force-of-twenty-characters",
        "AKIA and ghp_",
        "eyJ.a.b",
        "a PRIVATE KEY",
        "a.b.c",
        "hf_model",
    ],
)
def test_words_that_only_begin_like_a_key_are_left(text: str) -> None:
    assert found(text) == []


def test_a_key_inside_a_longer_word_with_dashes_is_found() -> None:
    key = "sk-" + "a1B2" * 12
    assert found(f"task-force-{key}") == [key]
    assert found(f"a.b.{JWT}") == [JWT]
