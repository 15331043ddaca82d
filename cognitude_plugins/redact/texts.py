"""Every text in a JSON value, handed to a function that may change it.

Nothing is listed as worth looking at: a field that is not known is looked into like any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Change: TypeAlias = Callable[[str], str]

_URLS: Final = frozenset({"url", "image_url", "file_url", "file_data"})
_DATA_URL: Final = re.compile(r"data:[^,\s]{0,100};base64,[A-Za-z0-9+/=\s]*+\Z", re.IGNORECASE)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=\s]*+\Z")
_LONG: Final = range(10**12, 10**40)
"""Whole numbers long enough to be a card's."""
_DEEPEST: Final = 128


def rewritten(value: Any, change: Change, depth: int = 0) -> Any:
    """The value with each of its texts changed, keys and long numbers too; the same object when none was.

    ``arguments`` are JSON inside a string: their texts are changed, so that they stay JSON. Left out are base64 data
    (``data:`` URLs, input audio, base64 sources): text by chance only, and broken by any change. ``ValueError`` when
    nested over 128 deep, twice what the gateway lets in.
    """
    if depth > _DEEPEST:
        raise ValueError(f"a JSON value is nested over {_DEEPEST} deep")
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        pairs = [(change(key), _field(key, item, change, depth + 1)) for key, item in value.items()]
        same = all(a is c and b is d for (a, b), (c, d) in zip(pairs, value.items(), strict=True))
        return value if same else dict(pairs)
    if isinstance(value, list):
        items = [rewritten(item, change, depth + 1) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    if type(value) is int and abs(value) in _LONG:
        digits = str(value)
        changed = change(digits)
        return value if changed == digits else changed
    return value


def in_json(text: str, change: Change) -> str:
    """A text that is JSON, with the texts in it changed; one that is not is changed as it is."""
    try:
        value = json.loads(text)
        changed = rewritten(value, change)
    except (ValueError, RecursionError):
        return change(text)
    # Also as it stands: of a key that comes twice the parser has seen the last only.
    return change(text) if changed is value else json.dumps(changed, ensure_ascii=False)


def _field(key: str, value: Any, change: Change, depth: int) -> Any:
    if isinstance(value, str):
        if key == "arguments":
            return in_json(value, change)
        return value if key in _URLS and _DATA_URL.match(value) else change(value)
    if isinstance(value, Mapping) and _is_binary(key, value):
        rest = {name: item for name, item in value.items() if name != "data"}
        changed = rewritten(rest, change, depth)
        return value if changed is rest else {**changed, "data": value["data"]}
    return rewritten(value, change, depth)


def _is_binary(key: str, value: Mapping[str, Any]) -> bool:
    data = value.get("data")
    known = key == "input_audio" or (key == "source" and value.get("type") == "base64")
    return known and isinstance(data, str) and _BASE64.match(data) is not None
