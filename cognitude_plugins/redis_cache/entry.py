"""An answer as it is kept, and as bytes that only this installation could have written."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

import orjson
import zstandard

from hooks import Usage

FORMAT: Final = b"\x02"
"""The first byte. What begins otherwise was written by another version."""

_COMPRESSED: Final = 1
_MAC_BYTES: Final = 16
_HEAD_BYTES: Final = 2 + _MAC_BYTES
_COMPRESS_ABOVE: Final = 1024
"""Bytes. What is smaller gains little."""
_LEVEL: Final = 1
_LARGEST: Final = 64 * 1024 * 1024


class Unreadable(ValueError):
    """Not an entry, or not the one that belongs there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """``body`` is the whole answer as JSON. ``created_ms`` since 1970; ``cost_nano_usd`` is what the provider took for
    it and ``usage`` what it counted, None where that is not known; ``seconds`` is for how long it may be given again,
    None for as long as it is kept. ``about`` is the digest of the request where the key is of something else: of an
    Idempotency-Key.
    """

    body: bytes
    created_ms: int
    model: str
    cost_nano_usd: int | None = None
    usage: Usage | None = None
    seconds: int | None = None
    about: str = ""

    def age(self, now_ms: int) -> int:
        """Whole seconds, never negative."""
        return max(0, (now_ms - self.created_ms) // 1000)


def pack(entry: Entry, *, key: str, secret: bytes) -> bytes:
    """Format, flags, 16 bytes of HMAC-SHA256 over the rest and the key, then the facts and the body, compressed where
    that is worth it (zstd, level 1).
    """
    facts = orjson.dumps([entry.created_ms, entry.model, entry.cost_nano_usd, entry.usage, entry.seconds, entry.about])
    content = len(facts).to_bytes(4, "big") + facts + entry.body
    flags = 0
    if len(content) > _COMPRESS_ABOVE:
        content, flags = zstandard.ZstdCompressor(level=_LEVEL).compress(content), _COMPRESSED
    head = FORMAT + bytes([flags])
    return head + _mac(secret, key, head, content) + content


def unpack(raw: bytes, *, key: str, secret: bytes) -> Entry:
    """Raises `Unreadable` for what is of another format, cut off, changed, or was kept under another key."""
    head, mac, content = raw[:2], raw[2:_HEAD_BYTES], raw[_HEAD_BYTES:]
    if head[:1] != FORMAT:
        raise Unreadable("it is of another format")
    if not hmac.compare_digest(mac, _mac(secret, key, head, content)):
        raise Unreadable("it is not what was kept under this key")
    if head[1] & _COMPRESSED:
        content = zstandard.ZstdDecompressor().decompress(content, max_output_size=_LARGEST)
    end = 4 + int.from_bytes(content[:4], "big")
    created_ms, model, cost, used, seconds, about = orjson.loads(content[4:end])
    return Entry(
        body=content[end:],
        created_ms=created_ms,
        model=model,
        cost_nano_usd=cost,
        usage=None if used is None else Usage(**used | {"apart": tuple(used["apart"])}),
        seconds=seconds,
        about=about,
    )


def _mac(secret: bytes, key: str, head: bytes, content: bytes) -> bytes:
    return hmac.digest(secret, key.encode() + head + content, "sha256")[:_MAC_BYTES]
