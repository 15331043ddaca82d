"""Small changes to a JSON object without decoding and encoding the rest: what nobody touched stays byte for byte."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from hooks import Payload

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
_SPACE: Final = rb"[ \t\r\n]*"


def with_field(payload: Payload, name: str, value: Any) -> Payload:
    """The payload with the top-level field ``name`` set.

    Done on the bytes when it is certain which bytes they are (the key stands there once, or not at all, unescaped);
    otherwise the object is encoded anew. The payload itself when the field has this value already.
    """
    body = payload.peek()
    if name in body and body[name] == value and type(body[name]) is type(value):
        return payload
    raw = _replaced(payload, body, name, value) if name in body else _added(payload, name, value)
    if raw is None:
        return payload.replace({**body, name: value})
    return Payload(raw=raw, value={**body, name: value}, codec=payload.codec)


def _added(payload: Payload, name: str, value: Any) -> bytes | None:
    raw = payload.raw
    dumps = payload.codec.dumps
    start = raw.find(b"{")
    if b'"' not in raw[start:]:
        return None
    return b"%b%b:%b,%b" % (raw[: start + 1], dumps(name), dumps(value), raw[start + 1 :])


def _replaced(payload: Payload, body: Mapping[str, Any], name: str, value: Any) -> bytes | None:
    raw = payload.raw
    dumps = payload.codec.dumps
    key, old = dumps(name), dumps(body[name])
    if raw.count(key) != 1 or not isinstance(body[name], str) or _spelt_otherwise(raw, name):
        return None
    pattern = re.escape(key) + _SPACE + b":" + _SPACE + re.escape(old)
    found = re.search(pattern, raw)
    if found is None:
        return None
    return b"%b%b:%b%b" % (raw[: found.start()], key, dumps(value), raw[found.end() :])


def _spelt_otherwise(raw: bytes, name: str) -> bool:
    """Whether the key may stand there a second time with a character escaped. Other characters' escapes do no harm."""
    if not _PLAIN.fullmatch(name):
        return b"\\" in raw
    if b"\\u00" not in raw:
        return False
    codes = b"|".join(b"%02x" % ord(char) for char in set(name))
    return re.search(rb"\\u00(?:" + codes + rb")", raw, re.IGNORECASE) is not None
