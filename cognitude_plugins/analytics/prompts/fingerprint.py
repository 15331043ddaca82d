"""Digests of a call's prompt by which the ledger tells repeats, near-repeats and common beginnings from each other.

A digest is a keyed BLAKE2b cut to 53 bits. The key is the organization: equal prompts of two organizations have nothing
in common. It is no secret, so who can read the ledger can try out a guess, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import orjson

from hooks import Fingerprint

from .prompt_text import Prompt, prompt_of

IGNORED: Final = frozenset(
    {
        *("user", "stream", "stream_options", "metadata", "store"),
        *("safety_identifier", "prompt_cache_key", "prompt_cache_retention", "cache"),
    }
)
"""Fields of a body on which no answer depends: who asks, how it is sent, where it is filed. The answer cache leaves
out the same."""

_NUMBERS: Final = ("temperature", "top_p", "presence_penalty", "frequency_penalty")

LARGEST_BODY: Final = 1 << 20
"""Bytes of JSON. What is larger, mostly for its images, has no fingerprint: its reading would hold up other calls."""

PREFIX_TOKENS: Final = 1024
"""The shortest beginning that OpenAI, Anthropic (most models) and Google cache."""
CHARACTERS_PER_TOKEN: Final = 4
"""Of English. It is 19 % off on average, which is enough to say whether a beginning is long."""

_PREFIX: Final = PREFIX_TOKENS * CHARACTERS_PER_TOKEN
_MOST_SHAPED: Final = 32_768
"""Characters; of longer prompts so many, half from either end."""
_MOST_PREFIX: Final = 65_536
_LEAST_SHAPE: Final = 16
"""Bytes of letters. With fewer the digits are what is asked: 17+25 is not 3*4."""

_DROPPED: Final = bytes(one for one in range(128) if not chr(one).isalpha())
_LOWER: Final = bytes(one + 32 if 65 <= one <= 90 else one for one in range(256))


def fingerprint(organization: str, api: str, body: Mapping[str, Any]) -> Fingerprint | None:
    """None for a body that is no prompt, or is larger than `LARGEST_BODY`."""
    prompt = prompt_of(api, body)
    if prompt is None:
        return None
    asked = _asked(api, body)
    if len(asked) > LARGEST_BODY:
        return None
    key = _key(organization)
    request = _digest(key, b"request", asked)
    shape = _shape(key, prompt)
    beginning = _beginning(prompt)
    return Fingerprint(
        request=request,
        shape=request if shape is None else shape,
        prefix=None if beginning is None else _digest(key, b"prefix", beginning[0]),
        prefix_tokens=None if beginning is None else beginning[1],
    )


def _asked(api: str, body: Mapping[str, Any]) -> bytes:
    """What an answer depends on, in one spelling. Whole numbers are written without a point: clients differ in it."""
    kept = dict(body)
    for name in IGNORED.intersection(kept):
        del kept[name]
    for name in _NUMBERS:
        value = kept.get(name)
        if type(value) is float and value.is_integer():
            kept[name] = int(value)
    kept[""] = api
    return _dumped(kept)


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Numbers beyond 64 bits and halves of surrogate pairs.
        return json.dumps(value, sort_keys=True).encode()


def _shape(key: bytes, prompt: Prompt) -> int | None:
    """None where the text is not all of it, or too little is left of it: nothing but the same request is like it."""
    if not prompt.only_text:
        return None
    text = prompt.text()
    if len(text) > _MOST_SHAPED:
        text = text[: _MOST_SHAPED // 2] + text[-_MOST_SHAPED // 2 :]
    left = text.encode("utf-8", "replace").translate(_LOWER, _DROPPED)
    return None if len(left) < _LEAST_SHAPE else _digest(key, b"shape", left)


def _beginning(prompt: Prompt) -> tuple[bytes, int] | None:
    """The tools and instructions if they are long enough, else so much of the whole; with its tokens, about."""
    tools = _dumped(prompt.tools).decode() if prompt.tools else ""
    instructions = "".join(prompt.instructions)
    size = len(tools) + len(instructions)
    if size >= _PREFIX:
        return _cut(tools, instructions), size // CHARACTERS_PER_TOKEN
    if not prompt.only_text:
        return None
    rest = prompt.text()
    if len(tools) + len(rest) < _PREFIX:
        return None
    return _cut(tools, rest[: _PREFIX - len(tools)]), PREFIX_TOKENS


def _cut(tools: str, text: str) -> bytes:
    return f"{len(tools)} {tools[:_MOST_PREFIX]}{text[:_MOST_PREFIX]}".encode("utf-8", "replace")


@lru_cache(maxsize=1024)
def _key(organization: str) -> bytes:
    return blake2b(organization.encode("utf-8", "replace"), digest_size=32).digest()


def _digest(key: bytes, what: bytes, value: bytes) -> int:
    return int.from_bytes(blake2b(value, digest_size=7, key=key, person=what).digest(), "big") >> 3
