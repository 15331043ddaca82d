"""The embeddings endpoint of the simulated model: unit vectors drawn from a hash of model and text."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Mapping
from hashlib import shake_128
from math import sqrt
from typing import Any

from .answer import Answer
from .prompt import Count
from .request import BadRequest, required, whole_number
from .settings import Settings

_DIMENSIONS = 1536
_MOST_DIMENSIONS = 8192
_MOST_INPUTS = 2048


def embeddings(body: Mapping[str, Any], settings: Settings, count: Count, created: int) -> Answer:
    """Raises `BadRequest`. ``dimensions`` is 1536 when not given; both encodings carry the same 32-bit numbers."""
    inputs = _inputs(required(body, "input"))
    size = whole_number(body, "dimensions", 1, _MOST_DIMENSIONS) or _DIMENSIONS
    encoding = body.get("encoding_format")
    encoding = "float" if encoding is None else encoding
    if encoding not in ("float", "base64"):
        raise BadRequest("Invalid 'encoding_format': expected 'float' or 'base64'.", param="encoding_format")
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector(body["model"], text, size), encoding)}
        for index, (text, _) in enumerate(inputs)
    ]
    tokens = sum(count(text) if known is None else known for text, known in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return Answer(body={"object": "list", "data": data, "model": body["model"], "usage": usage})


def vector(model: str, text: str, size: int) -> tuple[float, ...]:
    """A unit vector of 32-bit numbers, the same for the same model, text and size."""
    raw = shake_128(f"{len(model)}:{model}{text}".encode("utf-8", "replace")).digest(2 * size)
    drawn = struct.unpack(f"<{size}h", raw)
    length = sqrt(sum(number * number for number in drawn)) or 1.0
    return struct.unpack(f"<{size}f", struct.pack(f"<{size}f", *(number / length for number in drawn)))


def _encoded(numbers: tuple[float, ...], encoding: str) -> str | list[float]:
    if encoding == "base64":
        return b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    return list(numbers)


def _inputs(value: Any) -> list[tuple[str, int | None]]:
    """Texts, with the number of tokens where tokens were sent."""
    items = [value] if isinstance(value, str) or _is_tokens(value) else value
    if not isinstance(items, list) or not 0 < len(items) <= _MOST_INPUTS:
        raise BadRequest(f"Invalid 'input': expected a string or an array of 1 to {_MOST_INPUTS}.", param="input")
    inputs: list[tuple[str, int | None]] = []
    for item in items:
        if isinstance(item, str) and item:
            inputs.append((item, None))
        elif _is_tokens(item):
            inputs.append((repr(item), len(item)))
        else:
            raise BadRequest("Invalid 'input': expected texts that are not empty, or tokens.", param="input")
    return inputs


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(token) is int for token in value)
