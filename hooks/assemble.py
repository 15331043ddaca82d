"""The events of one stream put together into the answer they would have been as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

_WHOLE = {"chat.completion.chunk": "chat.completion"}


def assemble(events: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """One ``chat.completion`` or ``text_completion`` of its stream events; None when there are none.

    Per choice the text, the strings of its deltas (content, refusal, reasoning, …), tool-call arguments and log
    probabilities are joined; of every other field, known or not, the last value that is not null stands. An event that
    carries an ``error`` makes the error the answer. Whatever a provider sent: nothing is raised.
    """
    if not events:
        return None
    body: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        if event.get("error"):
            return {"error": event["error"]}
        for key, value in event.items():
            if key == "choices" and isinstance(value, list):
                for choice in value:
                    if isinstance(choice, Mapping):
                        _join_choice(choices.setdefault(_index(choice), {}), choice)
            elif key != "choices":
                _keep(body, key, value)
    if "object" in body:
        body["object"] = _WHOLE.get(str(body["object"]), body["object"])
    if choices or "choices" in events[0]:
        body["choices"] = [_finish(index, choices[index]) for index in sorted(choices)]
    return body


def _index(item: Mapping[str, Any]) -> int:
    index = item.get("index")
    return index if type(index) is int else 0


def _keep(known: dict[str, Any], key: str, value: Any) -> None:
    if value is not None or key not in known:
        known[key] = value


def _write(known: dict[str, Any], key: str, text: str) -> None:
    """Text is collected in a buffer until the end: adding strings up is quadratic in the number of events."""
    if not isinstance(known.get(key), StringIO):
        known[key] = StringIO()
    known[key].write(text)


def _inner(known: dict[Any, Any], key: Any) -> dict[Any, Any]:
    """The dict at ``key``, a new one if something else stands there."""
    if not isinstance(known.get(key), dict):
        known[key] = {}
    inner: dict[Any, Any] = known[key]
    return inner


def _join_choice(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    for key, value in part.items():
        if key == "delta" and isinstance(value, Mapping):
            _join_delta(_inner(whole, "message"), value)
        elif key == "text" and isinstance(value, str):
            _write(whole, key, value)
        elif key == "logprobs" and isinstance(value, Mapping):
            _join_lists(_inner(whole, key), value)
        elif key not in ("delta", "message"):
            _keep(whole, key, value)


def _join_lists(known: dict[str, Any], part: Mapping[str, Any]) -> None:
    for name, value in part.items():
        if isinstance(value, list) and isinstance(known.get(name), list):
            known[name].extend(value)
        elif isinstance(value, list):
            known[name] = list(value)
        else:
            _keep(known, name, value)


def _join_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for key, value in delta.items():
        if key == "tool_calls":
            _join_tool_calls(message, value)
        elif key == "function_call" and isinstance(value, Mapping):
            _join_function(_inner(message, key), value)
        elif isinstance(value, str) and key != "role":
            _write(message, key, value)
        else:
            _keep(message, key, value)


def _join_tool_calls(message: dict[str, Any], parts: Any) -> None:
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, Mapping):
            continue
        call = _inner(_inner(message, "tool_calls"), _index(part))
        for key, value in part.items():
            if key == "function" and isinstance(value, Mapping):
                _join_function(_inner(call, key), value)
            elif key != "index" and value is not None:
                call[key] = value


def _join_function(function: dict[str, Any], part: Mapping[str, Any]) -> None:
    for key, value in part.items():
        if key == "arguments" and isinstance(value, str):
            _write(function, key, value)
        else:
            _keep(function, key, value)


def _finish(index: int, choice: dict[str, Any]) -> dict[str, Any]:
    message = choice.get("message")
    if message is not None:
        calls = message.get("tool_calls")
        if calls is not None:
            message["tool_calls"] = [_written(calls[position]) for position in sorted(calls)]
        message.setdefault("content", None)
    choice.pop("index", None)
    return {"index": index, **_written(choice)}


def _written(known: dict[str, Any]) -> dict[str, Any]:
    """The dicts made here with the text of their buffers, down to tool calls and functions."""
    for key, value in known.items():
        if isinstance(value, StringIO):
            known[key] = value.getvalue()
        elif key in ("message", "function", "function_call") and isinstance(value, dict):
            _written(value)
    return known
