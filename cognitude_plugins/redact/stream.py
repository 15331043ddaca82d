"""Placeholders in a streamed answer turned back into values, wherever the provider cut them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from .restore import Restorer, Tail

_HEAD: Final = ("id", "object", "created", "model", "system_fingerprint")
Place: TypeAlias = tuple[str, int | str]
"""Where a text grows in a choice: ``("text", "")``, ``("delta", "content")``, ``("tool_calls", 0)``, …"""


class StreamRestorer:
    """For `hooks.Reply.map`: `change` for each event, `end` for what is left when a stream ends without a finish.

    Every text has its own tail: of each choice the text, the fields of the delta and the arguments of each tool call.
    At a choice's ``finish_reason`` what is held of it goes out in the same event.
    """

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._tails: dict[int, dict[Place, Tail]] = {}
        self._head: dict[str, Any] = {}

    def change(self, event: Any) -> Any:
        choices = event.get("choices") if isinstance(event, Mapping) else None
        if not isinstance(choices, list):
            return self._restorer.change(event)
        self._head = {name: event[name] for name in _HEAD if name in event}
        changed = [self._choice(choice) if isinstance(choice, Mapping) else choice for choice in choices]
        return None if changed == choices else {**event, "choices": changed}

    def end(self) -> list[dict[str, Any]]:
        left = [self._settle(index, {"index": index, "finish_reason": None}) for index in sorted(self._tails)]
        choices = [choice for choice in left if len(choice) > 2]
        return [{**self._head, "choices": choices}] if choices else []

    def _choice(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        index = _whole(choice.get("index"), 0)
        changed = dict(choice)
        if isinstance(choice.get("text"), str):
            changed["text"] = self._feed(index, ("text", ""), choice["text"])
        if isinstance(choice.get("delta"), Mapping):
            changed["delta"] = self._delta(index, choice["delta"])
        return changed if choice.get("finish_reason") is None else self._settle(index, changed)

    def _delta(self, index: int, delta: Mapping[str, Any]) -> dict[str, Any]:
        changed = dict(delta)
        for name, value in delta.items():
            if isinstance(value, str):
                changed[name] = self._feed(index, ("delta", name), value)
            elif name == "tool_calls" and isinstance(value, list):
                changed[name] = [
                    self._call(index, ("tool_calls", _whole(call.get("index"), position)), call)
                    if isinstance(call, Mapping)
                    else call
                    for position, call in enumerate(value)
                ]
            elif name == "function_call" and isinstance(value, Mapping):
                changed[name] = self._arguments(index, ("function_call", ""), value)
            else:
                changed[name] = self._restorer.body(value, name)
        return changed

    def _call(self, index: int, place: Place, call: Mapping[str, Any]) -> Mapping[str, Any]:
        function = call.get("function")
        if not isinstance(function, Mapping):
            return call
        return {**call, "function": self._arguments(index, place, function)}

    def _arguments(self, index: int, place: Place, function: Mapping[str, Any]) -> Mapping[str, Any]:
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            return function
        return {**function, "arguments": self._feed(index, place, arguments)}

    def _feed(self, index: int, place: Place, piece: str) -> str:
        tails = self._tails.setdefault(index, {})
        if place not in tails:
            field = {"text": "text", "delta": str(place[1])}.get(place[0], "arguments")
            tails[place] = Tail(self._restorer, escaped=self._restorer.escapes(field))
        return tails[place].feed(piece)

    def _settle(self, index: int, choice: dict[str, Any]) -> dict[str, Any]:
        """The choice with everything that is held back of it added."""
        for place, tail in self._tails.get(index, {}).items():
            if rest := tail.flush():
                _add(choice, place, rest)
        return choice


def _add(choice: dict[str, Any], place: Place, rest: str) -> None:
    if place[0] == "text":
        choice["text"] = (choice.get("text") or "") + rest
        return
    delta = choice["delta"] = _fields(choice.get("delta"))
    if place[0] == "delta":
        name = str(place[1])
        before = delta.get(name)
        delta[name] = before + rest if isinstance(before, str) else rest
    elif place[0] == "function_call":
        delta["function_call"] = _longer(delta.get("function_call"), rest)
    else:
        given = delta.get("tool_calls")
        calls = list(given) if isinstance(given, list) else []
        at = next((i for i, call in enumerate(calls) if _whole(_fields(call).get("index"), i) == place[1]), len(calls))
        call = _fields(calls[at]) if at < len(calls) else {"index": place[1]}
        calls[at : at + 1] = [{**call, "function": _longer(call.get("function"), rest)}]
        delta["tool_calls"] = calls


def _longer(function: Any, rest: str) -> dict[str, Any]:
    fields = _fields(function)
    return {**fields, "arguments": (fields.get("arguments") or "") + rest}


def _fields(value: Any) -> dict[str, Any]:
    """The fields of an object, none of what should be one and is not."""
    return dict(value) if isinstance(value, Mapping) else {}


def _whole(value: Any, otherwise: int) -> int:
    return value if type(value) is int else otherwise
