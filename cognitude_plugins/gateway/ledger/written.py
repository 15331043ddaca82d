"""What a model wrote, out of an answer or a stream's events: the texts that are paid for, each in one piece."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

_SAID: Final = frozenset(
    {"content", "refusal", "text", "thinking", "reasoning_content", "reasoning", "partial_json", "arguments"}
)
_CALLED: Final = frozenset({"function_call", "tool_use"})
_PARTS: Final = ("output", "content")
_Key = tuple[object, ...]
_Pieces = dict[_Key, list[str]]


def written(bodies: Iterable[Any]) -> list[str]:
    """The texts of a whole answer (one body) or of a stream (its events in order).

    Chat, completions, responses and messages API. What an event says again that others said before adds nothing.
    """
    pieces: _Pieces = defaultdict(list)
    for body in bodies:
        if isinstance(body, dict):
            kind = body.get("type")
            if isinstance(kind, str) and ("." in kind or "_" in kind):
                _event(pieces, kind, body)
            else:
                _body(pieces, body)
    return ["".join(piece) for piece in pieces.values()]


def _event(pieces: _Pieces, kind: str, event: Mapping[str, Any]) -> None:
    """Of the responses or the messages API: what is new is under ``delta``, a tool's name in what begins."""
    key = (kind, *(str(event.get(name)) for name in ("output_index", "content_index", "index")))
    delta = event.get("delta")
    if isinstance(delta, str):
        pieces[key].append(delta)
    elif isinstance(delta, dict):
        _said(pieces, key, delta)
    begun = event.get("content_block") or event.get("item")
    if isinstance(begun, dict) and isinstance(begun.get("name"), str) and not kind.endswith("done"):
        pieces[(*key, "name")].append(begun["name"])


def _body(pieces: _Pieces, body: Mapping[str, Any]) -> None:
    for index, choice in enumerate(_list(body.get("choices"))):
        if isinstance(choice, dict):
            key = (str(choice.get("index", index)),)
            said = choice.get("delta") or choice.get("message")
            if isinstance(said, dict):
                _said(pieces, key, said)
            text = choice.get("text")
            if isinstance(text, str):
                pieces[key].append(text)
    for name in _PARTS:
        if name in body:
            _each(pieces, (name,), body[name])


def _said(pieces: _Pieces, key: _Key, part: Mapping[str, Any]) -> None:
    """Some servers send reasoning under two names at once; it counts once."""
    for name, value in part.items():
        if type(value) is str:
            if name in _SAID and not (name == "reasoning" and "reasoning_content" in part):
                pieces[(*key, name)].append(value)
        elif name == "tool_calls":
            _calls(pieces, key, value)
        elif name == "function_call" and isinstance(value, dict):
            _called(pieces, (*key, name), value)
        elif name in ("content", "summary"):
            _each(pieces, (*key, name), value)
    kind = part.get("type")
    if isinstance(kind, str) and kind in _CALLED:
        _called(pieces, key, {"name": part.get("name"), "input": part.get("input")})


def _each(pieces: _Pieces, key: _Key, parts: Any) -> None:
    for index, part in enumerate(_list(parts)):
        if isinstance(part, dict):
            _said(pieces, (*key, index), part)


def _calls(pieces: _Pieces, key: _Key, calls: Any) -> None:
    for index, call in enumerate(_list(calls)):
        if isinstance(call, dict) and isinstance(call.get("function"), dict):
            _called(pieces, (*key, "tool", str(call.get("index", index))), call["function"])


def _called(pieces: _Pieces, key: _Key, function: Mapping[str, Any]) -> None:
    for name in ("name", "arguments"):
        if isinstance(function.get(name), str):
            pieces[(*key, name)].append(function[name])
    if isinstance(function.get("input"), dict) and function["input"]:
        pieces[(*key, "input")].append(orjson.dumps(function["input"], default=str).decode())


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
