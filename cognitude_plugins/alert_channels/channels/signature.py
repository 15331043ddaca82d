"""The signature of a webhook, as Standard Webhooks 1.0 has it: HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256
from secrets import token_bytes
from typing import Final

PREFIX: Final = "whsec_"
LEAST: Final = 24
MOST: Final = 64
"""Bytes of a secret."""


def new_secret() -> str:
    return PREFIX + b64encode(token_bytes(32)).decode()


def key(secret: str) -> bytes:
    """The bytes of a secret. Raises ``ValueError`` for one that is none, without saying it."""
    try:
        found = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not secret.startswith(PREFIX) or not LEAST <= len(found) <= MOST:
        raise ValueError(f"must be {PREFIX} followed by {LEAST} to {MOST} bytes in base64")
    return found


def headers(id: str, seconds: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """With one signature for each secret: a receiver that knows any of them is satisfied."""
    signed = b"%s.%d.%s" % (id.encode(), seconds, body)
    signatures = [b64encode(hmac.digest(key(one), signed, sha256)).decode() for one in secrets]
    return {
        "webhook-id": id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }
