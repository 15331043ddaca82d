"""Under which key an answer is kept: the same for the same question, and for no other."""

from __future__ import annotations

import hmac
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

import orjson

VERSION: Final = 1
"""Of what is hashed: another one finds nothing that was kept before."""

IGNORED: Final = frozenset(
    {
        *("user", "stream", "stream_options", "metadata", "store"),
        *("safety_identifier", "prompt_cache_key", "prompt_cache_retention", "cache"),
    }
)
"""Fields of a body that say who asks, how the answer is to be sent or what it is filed under: none changes it."""

_TO_BE_NORMALISED: Final = re.compile(rb"[0-9](?:\.0(?![0-9])|[eE])")
"""What a number that can be spelled otherwise looks like where it has been written anew. Strings that look like it too
cost a closer look and nothing else.
"""
_LONG_NUMBER: Final = re.compile(rb"[0-9]{16}")
"""A whole number with more digits than a double holds is not read as one."""


def cache_key(secret: bytes, *, organization: str, sharer: str, api: str, body: bytes) -> str:
    """64 hexadecimal digits: HMAC-SHA256, with the installation's secret, of who asks and what.

    ``sharer`` is empty where all of an organization's keys have their answers in common, else names the one who has
    them for himself; ``body`` is `canonical`. Without the secret nobody can tell from a key what was asked.
    """
    place = orjson.dumps([VERSION, organization, sharer, api])
    return hmac.digest(secret, place + b"\n" + body, "sha256").hex()


def canonical(raw: bytes, body: Mapping[str, Any], *, model: str) -> bytes:
    """What of a request's body can change its answer, in one spelling.

    ``raw`` is the body as it goes over the wire, ``body`` its value, ``model`` the name by which its model is known
    here. Left out are the fields of `IGNORED`. Members are sorted, numbers written as what they are (1.0 as 1, 1e2 as
    100, -0 as 0), text in Unicode's normal form C. Two bodies that differ otherwise come out different.
    """
    if _LONG_NUMBER.search(raw):
        body = json.loads(raw)
    kept = {name: value for name, value in body.items() if name not in IGNORED}
    kept["model"] = model
    written = _dumped(kept)
    if written.isascii() and not _TO_BE_NORMALISED.search(written):
        return written
    return _dumped(_normal(kept))


def _dumped(value: Any) -> bytes:
    """Whole numbers beyond 64 bits orjson cannot write. The same value goes the same way."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        names = [_normal(name) for name in value]
        # Two names that become one stay two.
        kept = names if len(set(names)) == len(names) else list(value)
        return {name: _normal(one) for name, one in zip(kept, value.values(), strict=True)}
    if isinstance(value, list):
        return [_normal(one) for one in value]
    return value
