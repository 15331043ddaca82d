"""The quick estimate of a prompt against the exact count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway.ledger import prompt_estimate as prompt_estimate_module
from cognitude_plugins.gateway.ledger.counting import prompt_tokens
from cognitude_plugins.gateway.ledger.estimate import estimated_tokens
from cognitude_plugins.gateway.ledger.prompt_estimate import prompt_estimate

ROOT = Path(__file__).resolve().parents[3]
ENGLISH = (ROOT / "docs" / "ledger.md").read_text()
CODE = (ROOT / "cognitude_plugins" / "gateway" / "pipeline.py").read_text()
JSON = json.dumps(
    [{"id": number, "name": f"row {number}", "tags": ["a", "b"], "cost": number / 7} for number in range(99)]
)
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather at a place, now or on a day to come.",
        "parameters": {"type": "object", "properties": {"place": {"type": "string", "description": "A town's name."}}},
    },
}


def body(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


@pytest.mark.parametrize("text", [ENGLISH, ENGLISH[:600], CODE, JSON, ENGLISH * 40, "Hello"])
def test_it_is_near_the_exact_count(text: str) -> None:
    exact = prompt_tokens("chat", body(text), "gpt-4o")
    assert exact / 1.35 <= prompt_estimate("chat", body(text)) <= exact * 1.35


def test_tools_and_images_count() -> None:
    bare = prompt_estimate("chat", body("Hello"))
    assert prompt_estimate("chat", body("Hello", tools=[TOOL])) > bare + 20
    image = [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}]
    seen = prompt_estimate("chat", {"model": "m", "messages": [{"role": "user", "content": image}]})
    assert 700 < seen < 900


@pytest.mark.parametrize(
    ("api", "asked"),
    [
        ("embeddings", {"input": ["one text", "another"]}),
        ("embeddings", {"input": [[1, 2, 3], [4]]}),
        ("completions", {"prompt": "Once upon a time"}),
        ("chat", {"messages": [{"role": "user", "content": None}, "nonsense", 7]}),
        ("chat", {"messages": []}),
        ("chat", {}),
    ],
)
def test_any_body_has_an_estimate(api: str, asked: dict[str, Any]) -> None:
    assert 1 <= prompt_estimate(api, asked) < 50


def test_many_texts_are_sampled_like_one() -> None:
    pieces = [ENGLISH[at : at + 50] for at in range(0, len(ENGLISH), 50)] * 10
    many = {"messages": [{"role": "user", "content": [{"type": "text", "text": piece} for piece in pieces]}]}
    exact = prompt_tokens("chat", many, "gpt-4o")
    assert exact / 1.5 <= prompt_estimate("chat", many) <= exact * 1.5


TURNS = [
    {"role": "user", "content": [{"type": "text", "text": "And then?"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "Then the ship left the harbour for the islands."}]},
]


@pytest.mark.parametrize("turns", [1, 200, 256, 257, 2_000])
def test_of_many_messages_some_stand_for_all(turns: int) -> None:
    many = body("", messages=TURNS * turns, tools=[TOOL])
    exact = prompt_tokens("chat", many, "gpt-4o")
    assert exact / 1.35 <= prompt_estimate("chat", many) <= exact * 1.35


def test_no_text_has_less_than_a_token() -> None:
    assert prompt_estimate("embeddings", {"input": ["a"] * 900}) >= 900


def test_however_large_a_body_is_only_so_much_of_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def noting(text: str) -> int:
        seen.append(len(text))
        return estimated_tokens(text)

    monkeypatch.setattr(prompt_estimate_module, "estimated_tokens", noting)
    parts = [{"type": "text", "text": "word " * 20} for _ in range(100_000)]
    for messages in ([{"role": "user", "content": "word " * 2_000_000}], [{"role": "user", "content": parts}]):
        assert prompt_estimate("chat", {"messages": messages}) > 1_000_000
    assert max(seen) < 20_000
