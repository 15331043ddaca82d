"""The completions endpoint of the simulated model."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from .answer import Answer, grouped, limited, usage_of, with_usage
from .prompt import Count
from .request import BadRequest, required, stopped, wants_usage, whole_number
from .settings import Settings
from .text import digest, write

_DEFAULT_LIMIT = 16
_LETTERS = str.maketrans("0123456789", "abcdefghij")


def completions(body: Mapping[str, Any], settings: Settings, count: Count, created: int) -> Answer:
    """Raises `BadRequest`. Each prompt is answered ``n`` times; ``max_tokens`` is 16 when not given, as OpenAI's is."""
    prompts = _prompts(required(body, "prompt"))
    times = whole_number(body, "n", 1, 128) or 1
    limit = whole_number(body, "max_tokens", 0, 10**9)
    limit = _DEFAULT_LIMIT if limit is None else limit
    seed = digest(body["model"], *prompts)
    answers = [
        (prompt, *limited(_text(body, settings, prompt, f"{seed}:{turn}"), limit))
        for prompt in prompts
        for turn in range(times)
    ]
    prompt_total = sum(count(prompt) for prompt in prompts)
    usage = usage_of(prompt_total, sum(len(said) for _, said, _ in answers))
    head = {
        "id": f"cmpl-{seed[:29]}",
        "object": "text_completion",
        "created": created,
        "model": body["model"],
        "system_fingerprint": "fp_simulated",
    }
    shown = [([prompt, *said] if body.get("echo") is True else said, finish) for prompt, said, finish in answers]
    scored = type(body.get("logprobs")) is int
    if body.get("stream") is not True:
        whole = [_choice(index, said, finish, scored) for index, (said, finish) in enumerate(shown)]
        return Answer(body={**head, "choices": whole, "usage": usage})
    parts = [
        [_choice(index, group, None, scored) for group in grouped(said, settings.tokens_per_chunk)]
        for index, (said, _) in enumerate(shown)
    ]
    events = [{**head, "choices": [part]} for row in zip_longest(*parts) for part in row if part is not None]
    paced = len(events)
    events += [{**head, "choices": [_choice(index, [], finish, False)]} for index, (_, finish) in enumerate(shown)]
    return Answer(events=with_usage(events, head, usage if wants_usage(body) else None), paced=paced)


def _prompts(prompt: Any) -> list[str]:
    """A text, a list of texts, a list of token numbers, or a list of such lists."""
    if isinstance(prompt, str):
        return [prompt]
    if isinstance(prompt, list) and prompt:
        if all(isinstance(item, str) for item in prompt):
            return prompt
        if all(type(item) is int for item in prompt):
            return [_tokens_as_text(prompt)]
        if all(isinstance(item, list) and all(type(token) is int for token in item) for item in prompt):
            return [_tokens_as_text(item) for item in prompt]
    raise BadRequest("Invalid 'prompt': expected a string, or an array of strings or tokens.", param="prompt")


def _tokens_as_text(tokens: list[int]) -> str:
    """One piece for each token, so that they are counted as what they are."""
    return "".join(" " + str(token % 10**8).translate(_LETTERS) for token in tokens)


def _text(body: Mapping[str, Any], settings: Settings, prompt: str, seed: str) -> str:
    if body["model"] == "echo":
        return stopped(prompt, body.get("stop"))
    length = settings.completion_tokens or 20 + int(digest(seed)[:8], 16) % 41
    return stopped(write(seed, length), body.get("stop"))


def _choice(index: int, said: list[str], finish: str | None, scored: bool) -> dict[str, Any]:
    return {
        "index": index,
        "text": "".join(said),
        "logprobs": _logprobs(said) if scored else None,
        "finish_reason": finish,
    }


def _logprobs(said: list[str]) -> dict[str, Any]:
    offsets = [sum(map(len, said[:position])) for position in range(len(said))]
    return {
        "tokens": said,
        "token_logprobs": [-0.1] * len(said),
        "top_logprobs": [{token: -0.1} for token in said],
        "text_offset": offsets,
    }
