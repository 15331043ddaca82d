"""Sealing what must be used again but not be readable in a database: AES-256-GCM under the gateway's secret key."""

from __future__ import annotations

import secrets as randomness
from dataclasses import dataclass, field
from typing import Final

from .secret_keys import SecretKeys

_VERSION: Final = b"\x01"
_NONCE: Final = 12
"""Bytes, random for each seal: NIST SP 800-38D bounds one key to 2**32 of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """``content`` is a version byte, the nonce, and the ciphertext with its tag; ``secret_key`` the id of the key."""

    secret_key: str
    content: bytes = field(repr=False)


class Unsealable(Exception):
    """Sealed under a key that is not here, or for another place, or no longer what it was."""


def seal(secrets: SecretKeys, plain: bytes, context: bytes) -> Sealed:
    """Readable only together with the same ``context``, which says whose and what for it is and is not stored."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = randomness.token_bytes(_NONCE)
    content = AESGCM(secrets.current.sealing).encrypt(nonce, plain, context)
    return Sealed(secret_key=secrets.current.id, content=_VERSION + nonce + content)


def unseal(secrets: SecretKeys, sealed: Sealed, context: bytes) -> bytes:
    """What was sealed; raises `Unsealable`."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = secrets.get(sealed.secret_key)
    if key is None:
        raise Unsealable(f"it is sealed under the secret key {sealed.secret_key}, which this gateway does not have")
    version, nonce, content = sealed.content[:1], sealed.content[1 : 1 + _NONCE], sealed.content[1 + _NONCE :]
    if version != _VERSION or len(nonce) < _NONCE:
        raise Unsealable("it is not in the form in which this version seals")
    try:
        return AESGCM(key.sealing).decrypt(nonce, content, context)
    except InvalidTag:
        raise Unsealable("it has been changed, or belongs elsewhere") from None
