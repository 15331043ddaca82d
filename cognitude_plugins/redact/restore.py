"""Placeholders in an answer turned back into values: whole texts, texts in pieces, whole bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from .vault import PLACEHOLDER

_LEFT_ALONE: Final = frozenset({"logprobs"})


class Restorer:
    """Restores the placeholders of one call. What only looks like one is left as it is.

    ``json_answer`` says that the answer's text was asked to be JSON: values are escaped in it, as they always are in
    the arguments of tool calls.
    """

    def __init__(self, values: Mapping[str, str], *, json_answer: bool = False) -> None:
        self._values = values
        self._escaped = {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in values.items()}
        self._beginnings = frozenset(name[:end] for name in values for end in range(1, len(name)))
        self._json_answer = json_answer

    def change(self, body: Any) -> Any:
        """For `hooks.Reply.map`: a whole answer restored, None when there was nothing to restore."""
        restored = self.body(body)
        return None if restored is body else restored

    def text(self, text: str, *, escaped: bool = False) -> str:
        """The text with every placeholder replaced, the same object when there is none."""
        if "[" not in text:
            return text
        values = self._escaped if escaped else self._values

        def value_of(found: re.Match[str]) -> str:
            return values.get(found.group(), found.group())

        return PLACEHOLDER.sub(value_of, text)

    def held(self, text: str) -> int:
        """How many characters at the end of a text may be the beginning of a placeholder."""
        start = text.rfind("[")
        return len(text) - start if start >= 0 and text[start:] in self._beginnings else 0

    def escapes(self, field: str) -> bool:
        """Whether values are escaped as in a JSON string in a field of this name."""
        return field == "arguments" or (self._json_answer and field in ("content", "text"))

    def body(self, value: Any, field: str = "") -> Any:
        """A JSON value with all its texts restored, the same object when nothing changed; ``logprobs`` are left."""
        if isinstance(value, str):
            restored = self.text(value, escaped=self.escapes(field))
            return value if restored == value else restored
        if isinstance(value, Mapping):
            fields = {key: item if key in _LEFT_ALONE else self.body(item, key) for key, item in value.items()}
            return value if all(fields[key] is item for key, item in value.items()) else fields
        if isinstance(value, list):
            items = [self.body(item, field) for item in value]
            return value if all(a is b for a, b in zip(items, value, strict=True)) else items
        return value


class Tail:
    """One text that comes in pieces: what may be the beginning of a placeholder is held back until it is clear."""

    __slots__ = ("_escaped", "_held", "_restorer")

    def __init__(self, restorer: Restorer, *, escaped: bool = False) -> None:
        self._restorer = restorer
        self._escaped = escaped
        self._held = ""

    def feed(self, piece: str) -> str:
        """What is clear now. Joined with `flush` the pieces are the whole text restored, however it was cut."""
        text = self._held + piece
        clear = len(text) - self._restorer.held(text)
        self._held = text[clear:]
        return self._restorer.text(text[:clear], escaped=self._escaped)

    def flush(self) -> str:
        """What was held back, at the end of the text."""
        held, self._held = self._held, ""
        return held
