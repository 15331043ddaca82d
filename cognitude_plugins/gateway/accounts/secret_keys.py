"""The gateway's own secrets: from them come the pepper of client keys and the key that seals providers' keys."""

from __future__ import annotations

import logging
import os
import secrets as randomness
import time
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hooks import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Connection

log: Final = logging.getLogger("cognitude.accounts")

SHORTEST: Final = 32
"""Characters. Base64 of 32 random bytes, as the gateway makes it, has 44."""

_LONGEST: Final = 4096
_SALT: Final = b"cognitude secret key v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """What is derived from one secret. ``id`` is stored beside everything made with it and tells nothing of it.

    ``pepper`` keys the digests of client keys, ``sealing`` is an AES-256 key; 32 bytes each.
    """

    id: str
    pepper: bytes = field(repr=False)
    sealing: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> SecretKey:
        """HKDF-SHA-256 (RFC 5869) of a secret that is itself random: nothing here slows down a guesser."""
        material = secret.strip().encode()
        return cls(
            id=_derived(material, b"id", 6).hex(),
            pepper=_derived(material, b"pepper of client keys", 32),
            sealing=_derived(material, b"sealing of provider keys", 32),
        )


class SecretKeys:
    """At least one `SecretKey`: the first makes what is new, the others are for what they made before."""

    def __init__(self, keys: Sequence[SecretKey]) -> None:
        if not keys:
            raise ValueError("at least one secret key is needed")
        self.current: Final = keys[0]
        self._by_id: Final = {key.id: key for key in keys}

    @classmethod
    def load(cls, configured: Sequence[str], file: Path) -> SecretKeys:
        """The configured secrets; when there are none, the one in ``file``, which is made if it does not exist.

        Processes that make it at the same time end up with the same. Its content may be moved into
        ``gateway.secret_keys`` as it is. Raises `ConfigError` naming the file for one that cannot be used.
        """
        if configured:
            return cls([SecretKey.of(secret) for secret in configured])
        try:
            secret = _read(file)
        except FileNotFoundError:
            _make(file)
            secret = _read(file)
        return cls([SecretKey.of(secret)])

    @property
    def ids(self) -> tuple[str, ...]:
        """The current one's first."""
        return tuple(self._by_id)

    def get(self, id: str) -> SecretKey | None:
        return self._by_id.get(id)

    def __repr__(self) -> str:
        return f"SecretKeys({', '.join(self.ids)})"


def agree(connection: Connection, secrets: SecretKeys) -> None:
    """Note the current key's id in the database, within the caller's transaction.

    Raises `ConfigError` when the database knows other keys only: what was made under them would be of no use here, and
    what is made here of no use elsewhere.
    """
    from sqlalchemy import text

    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE secret_key IN EXCLUSIVE MODE"))
    known = set(connection.execute(text("SELECT id FROM secret_key ORDER BY first_seen_ms")).scalars())
    if known and not known.intersection(secrets.ids):
        raise ConfigError(
            f"the accounts in the database were made under another secret key ({', '.join(sorted(known))}) than this "
            f"gateway's ({', '.join(secrets.ids)}): give it the same gateway.secret_keys, or the content of the other "
            "machine's secret.key, and keep an old one in the list behind a new one"
        )
    if secrets.current.id not in known:
        row = {"id": secrets.current.id, "now": time.time_ns() // 1_000_000}
        connection.execute(text("INSERT INTO secret_key (id, first_seen_ms) VALUES (:id, :now)"), row)


def _derived(material: bytes, purpose: bytes, length: int) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=length, salt=_SALT, info=purpose).derive(material)


def _make(file: Path) -> None:
    """Written whole under another name, then linked: who finds the file finds all of it.

    Only a link refuses to replace what another process has just made; a rename would leave the two with different
    secrets.
    """
    draft = file.with_name(f".{file.name}.{randomness.token_hex(8)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _write(draft, b64encode(randomness.token_bytes(32)) + b"\n")
            with suppress(FileExistsError):
                os.link(draft, file)
        finally:
            draft.unlink(missing_ok=True)
        _flush_folder(file.parent)
    except OSError as error:
        raise _unusable(file, f"cannot be made ({error.strerror}); or set gateway.secret_keys") from None


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            secret = stream.read(_LONGEST + 1).decode("ascii").strip()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unusable(file, f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise _unusable(file, "is not text") from None
    if not SHORTEST <= len(secret) <= _LONGEST:
        raise _unusable(file, f"must hold one secret of {SHORTEST} to {_LONGEST} characters, and has {len(secret)}")
    if mode & 0o077:
        log.warning("%s can be read by others (mode %o): it should be 600", file, mode & 0o777)
    return secret


def _unusable(file: Path, what: str) -> ConfigError:
    return ConfigError(f"the secret key in {file} {what}")
