"""The events of one stream put together into the answer they would have been as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_WHOLE = {"chat.completion.chunk": "chat.completion"}


def assemble(events: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """One ``chat.completion`` or ``text_completion`` of its stream events; None when there are none.

    Text, tool-call arguments, refusals and log probabilities are joined per choice; of every other field, known or
    not, the last value that is not null stands. An event that carries an ``error`` makes the error the answer.
    """
    if not events:
        return None
    body: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        if event.get("error"):
            return {"error": event["error"]}
        for key, value in event.items():
            if key != "choices" and (value is not None or key not in body):
                body[key] = value
        for choice in event.get("choices") or ():
            if isinstance(choice, Mapping):
                _join_choice(choices.setdefault(_index(choice), {}), choice)
    body["object"] = _WHOLE.get(str(body.get("object")), body.get("object"))
    if choices or "choices" in events[0]:
        body["choices"] = [_finish(index, choices[index]) for index in sorted(choices)]
    return body


def _index(item: Mapping[str, Any]) -> int:
    index = item.get("index")
    return index if type(index) is int else 0


def _join_choice(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    for key, value in part.items():
        if key == "delta" and isinstance(value, Mapping):
            _join_delta(whole.setdefault("message", {}), value)
        elif key == "text" and isinstance(value, str):
            whole["text"] = whole.get("text", "") + value
        elif key == "logprobs" and isinstance(value, Mapping):
            _join_lists(whole, "logprobs", value)
        elif value is not None or key not in whole:
            whole[key] = value


def _join_lists(whole: dict[str, Any], key: str, part: Mapping[str, Any]) -> None:
    known = whole.get(key)
    if not isinstance(known, dict):
        known = whole[key] = {}
    for name, value in part.items():
        if isinstance(value, list) and isinstance(known.get(name), list):
            known[name] = [*known[name], *value]
        elif value is not None or name not in known:
            known[name] = value


def _join_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for key, value in delta.items():
        if key == "tool_calls" and isinstance(value, list):
            calls = message.setdefault("tool_calls", {})
            for part in value:
                if isinstance(part, Mapping):
                    _join_tool_call(calls.setdefault(_index(part), {}), part)
        elif key == "function_call" and isinstance(value, Mapping):
            _join_tool_call(message.setdefault(key, {}), {"function": value})
        elif isinstance(value, str) and isinstance(message.get(key), str) and key != "role":
            message[key] += value
        elif value is not None or key not in message:
            message[key] = value


def _join_tool_call(call: dict[str, Any], part: Mapping[str, Any]) -> None:
    for key, value in part.items():
        if key == "function" and isinstance(value, Mapping):
            function = call.setdefault("function", {})
            for name, text in value.items():
                if name == "arguments" and isinstance(text, str):
                    function[name] = function.get(name, "") + text
                elif text is not None or name not in function:
                    function[name] = text
        elif key != "index" and value is not None:
            call[key] = value


def _finish(index: int, choice: dict[str, Any]) -> dict[str, Any]:
    message = choice.get("message")
    if message is not None:
        calls = message.get("tool_calls")
        if isinstance(calls, dict):
            message["tool_calls"] = [calls[position] for position in sorted(calls)]
        if isinstance(message.get("function_call"), dict):
            message["function_call"] = message["function_call"].get("function")
        message.setdefault("content", None)
    choice.pop("index", None)
    return {"index": index, **choice}
