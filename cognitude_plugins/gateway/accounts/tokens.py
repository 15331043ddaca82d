"""The format of client keys: ``cog_<id>_<secret><checksum>``, and the digest by which they are known.

``id`` is 16 characters of base 62 and public; ``secret`` is 43, which is 256 random bits; the checksum is the CRC-32
of all before it in six. It tells a mistyped or foreign key from ours without a look into any store, and lets programs
that search for leaked secrets be sure of what they found.
"""

from __future__ import annotations

import hmac
import re
import secrets
import zlib
from dataclasses import dataclass, field
from typing import Final

_DIGITS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID: Final = 16
_SECRET: Final = 43
_CHECKSUM: Final = 6
_PAIRS: Final = tuple(bytes((high, low)) for high in _DIGITS for low in _DIGITS)
_FORMAT: Final = re.compile(rb"cog_([0-9A-Za-z]{16})_[0-9A-Za-z]{49}")


@dataclass(frozen=True, slots=True)
class Token:
    """A key as a client sends it. ``id`` may be shown to anyone, ``text`` to its owner once."""

    id: str
    text: bytes = field(repr=False)


def new_id() -> str:
    """95 random bits: two never meet."""
    return "".join(chr(secrets.choice(_DIGITS)) for _ in range(_ID))


def new_token(id: str | None = None) -> Token:
    """A new secret, for a new id or for one that has a key already."""
    id = id or new_id()
    body = b"cog_%s_%s" % (id.encode("ascii"), _base62(secrets.randbits(256), _SECRET))
    return Token(id, body + _checksum(body))


def parse(text: bytes) -> Token | None:
    """None for what does not have the format or a wrong checksum, so that it cannot be a key of ours."""
    found = _FORMAT.fullmatch(text)
    if found is None or _checksum(text[:-_CHECKSUM]) != text[-_CHECKSUM:]:
        return None
    return Token(found[1].decode("ascii"), text)


def digest(pepper: bytes, token: bytes) -> bytes:
    """HMAC-SHA-256: who has the digests and not the pepper cannot even check a guess."""
    return hmac.digest(pepper, token, "sha256")


def _checksum(body: bytes) -> bytes:
    """Two digits at a time: every request asks for one."""
    high, low = divmod(zlib.crc32(body), 3844)
    higher, high = divmod(high, 3844)
    return _PAIRS[higher] + _PAIRS[high] + _PAIRS[low]


def _base62(number: int, width: int) -> bytes:
    digits = bytearray(width)
    for place in range(width - 1, -1, -1):
        number, digit = divmod(number, 62)
        digits[place] = _DIGITS[digit]
    return bytes(digits)
