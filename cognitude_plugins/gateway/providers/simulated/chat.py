"""The chat endpoint of the simulated model: text, tool calls or JSON, whole or as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from cognitude_plugins.gateway.codec import CODEC

from .answer import Answer, grouped, limited, usage_of, with_usage
from .prompt import Count, called_tools, last_user_text, messages_of, prompt_tokens, tools_of
from .request import stopped, wants_usage, whole_number
from .schema import sample
from .settings import Settings
from .text import digest, pieces, write

_ARGUMENT_PIECES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    index: int
    pieces: list[str]
    calls: tuple[tuple[str, str, list[str]], ...] = ()
    finish: str

    @property
    def tokens(self) -> int:
        return len(self.pieces) + sum(3 + len(arguments) for _, _, arguments in self.calls)


def chat(body: Mapping[str, Any], settings: Settings, count: Count, created: int) -> Answer:
    """Raises `BadRequest`."""
    messages = messages_of(body)
    seed = digest(body["model"], CODEC.dumps(messages))
    choices = [_choice(body, messages, settings, seed, index) for index in range(whole_number(body, "n", 1, 128) or 1)]
    usage = usage_of(prompt_tokens(messages, tools_of(body), count), sum(choice.tokens for choice in choices))
    head = {
        "id": f"chatcmpl-{seed[:29]}",
        "created": created,
        "model": body["model"],
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }
    top = whole_number(body, "top_logprobs", 0, 20) or 0 if body.get("logprobs") is True else None
    if body.get("stream") is not True:
        whole = [_whole(choice, top) for choice in choices]
        return Answer(body={"object": "chat.completion", **head, "choices": whole, "usage": usage})
    head = {"object": "chat.completion.chunk", **head}
    deltas = [_deltas(choice, settings.tokens_per_chunk, top) for choice in choices]
    events = [{**head, "choices": [part]} for parts in zip_longest(*deltas) for part in parts if part is not None]
    paced = len(events)
    events += [{**head, "choices": [_part(choice.index, {}, finish=choice.finish)]} for choice in choices]
    return Answer(events=with_usage(events, head, usage if wants_usage(body) else None), paced=paced)


def _choice(
    body: Mapping[str, Any], messages: list[dict[str, Any]], settings: Settings, seed: str, index: int
) -> _Choice:
    limit = whole_number(body, "max_completion_tokens", 1, 10**9) or whole_number(body, "max_tokens", 1, 10**9)
    called = called_tools(body, messages)
    if called:
        calls, finish = _calls(called, seed, index, limit)
        return _Choice(index=index, pieces=[], calls=calls, finish=finish)
    text = _json_text(body.get("response_format"), seed)
    if text is None:
        text = (
            last_user_text(messages) if body["model"] == "echo" else write(f"{seed}:{index}", _length(settings, seed))
        )
        text = stopped(text, body.get("stop"))
    said, finish = limited(text, limit)
    return _Choice(index=index, pieces=said, finish=finish)


def _length(settings: Settings, seed: str) -> int:
    return settings.completion_tokens or 20 + int(seed[:8], 16) % 41


def _calls(
    called: Sequence[Mapping[str, Any]], seed: str, index: int, limit: int | None
) -> tuple[tuple[tuple[str, str, list[str]], ...], str]:
    calls, finish, left = [], "tool_calls", limit
    for position, tool in enumerate(called):
        arguments, end = limited(CODEC.dumps(sample(tool.get("parameters"), "example") or {}).decode(), left)
        calls.append((f"call_{digest(seed, index, position)[:24]}", str(tool["name"]), arguments))
        if end == "length":
            finish = end
            break
        left = None if left is None else max(1, left - len(arguments))
    return tuple(calls), finish


def _json_text(wanted: Any, seed: str) -> str | None:
    """What ``response_format`` asks for, or None for plain text."""
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_object":
        return CODEC.dumps({"answer": write(seed, 12)}).decode()
    if kind != "json_schema":
        return None
    described = wanted.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    return CODEC.dumps(sample(schema if schema is not None else {"type": "object"}, whole=True)).decode()


def _whole(choice: _Choice, top: int | None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(choice.pieces), "refusal": None}
    if choice.calls:
        message["content"] = None
        message["tool_calls"] = [
            {"id": call, "type": "function", "function": {"name": name, "arguments": "".join(arguments)}}
            for call, name, arguments in choice.calls
        ]
    return {
        "index": choice.index,
        "message": message,
        "logprobs": _logprobs(choice.pieces, top),
        "finish_reason": choice.finish,
    }


def _deltas(choice: _Choice, size: int, top: int | None) -> Iterator[dict[str, Any]]:
    content = None if choice.calls else ""
    yield _part(choice.index, {"role": "assistant", "content": content, "refusal": None})
    for group in grouped(choice.pieces, size):
        yield _part(choice.index, {"content": "".join(group)}, logprobs=_logprobs(group, top))
    for position, (call, name, arguments) in enumerate(choice.calls):
        function = {"name": name, "arguments": ""}
        opened = {"index": position, "id": call, "type": "function", "function": function}
        yield _part(choice.index, {"tool_calls": [opened]})
        for group in grouped(arguments, max(size, -(-len(arguments) // _ARGUMENT_PIECES) if size == 1 else size)):
            more = {"index": position, "function": {"arguments": "".join(group)}}
            yield _part(choice.index, {"tool_calls": [more]})


def _part(
    index: int, delta: Mapping[str, Any], *, logprobs: Mapping[str, Any] | None = None, finish: str | None = None
) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _logprobs(said: Sequence[str], top: int | None) -> dict[str, Any] | None:
    if top is None:
        return None
    return {"content": [_token(token, top) for token in said], "refusal": None}


def _token(token: str, top: int) -> dict[str, Any]:
    others = [token, *(word for word in pieces(write(token, top)) if word != token)][:top]
    ranked = [_scored(word, rank) for rank, word in enumerate(others)]
    return {**_scored(token, 0), "top_logprobs": ranked}


def _scored(token: str, rank: int) -> dict[str, Any]:
    return {"token": token, "logprob": round(-0.1 - 1.5 * rank, 4), "bytes": list(token.encode("utf-8", "replace"))}
