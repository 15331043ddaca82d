"""Small changes to a JSON object without decoding and encoding the rest: what nobody touched stays byte for byte."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from hooks import Payload

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
_COLON: Final = rb"[ \t\r\n]*:[ \t\r\n]*"
_BEFORE_VALUE: Final = re.compile(_COLON)
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]')
_OPENING: Final = frozenset({b"{", b"["})
_CLOSING: Final = frozenset({b"}", b"]"})
_SCANNED: Final = 256 * 1024
"""Bytes of a body that are looked through for a key. Above it encoding anew is quicker."""


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
    if not isinstance(body[name], str) or _spelt_otherwise(raw, name):
        return None
    start = raw.find(key) if raw.count(key) == 1 else _start_of_key(raw, key)
    found = None if start is None else re.compile(re.escape(key) + _COLON + re.escape(old)).match(raw, start)
    if found is None:
        return None
    return b"%b%b:%b%b" % (raw[: found.start()], key, dumps(value), raw[found.end() :])


def _start_of_key(raw: bytes, key: bytes) -> int | None:
    """Where a top-level key that stands elsewhere too begins; None if that is not certain."""
    if len(raw) > _SCANNED:
        return None
    depth, starts = 0, []
    for token in _TOKEN.finditer(raw):
        if token[0] in _OPENING:
            depth += 1
        elif token[0] in _CLOSING:
            depth -= 1
        elif depth == 1 and token[0] == key and _BEFORE_VALUE.match(raw, token.end()):
            starts.append(token.start())
    return starts[0] if len(starts) == 1 else None


def _spelt_otherwise(raw: bytes, name: str) -> bool:
    """Whether the key may stand there a second time with a character escaped. Other characters' escapes do no harm."""
    if not _PLAIN.fullmatch(name):
        return b"\\" in raw
    if b"\\u00" not in raw:
        return False
    codes = b"|".join(b"%02x" % ord(char) for char in set(name))
    return re.search(rb"\\u00(?:" + codes + rb")", raw, re.IGNORECASE) is not None
