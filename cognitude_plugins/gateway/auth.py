"""Who is calling: credentials to a `Caller`. There is no way to be nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from hooks import Caller, ConfigError, Reply

from .settings import Key

BOOTSTRAP_VARIABLE: Final = "COGNITUDE_BOOTSTRAP_KEY"
BOOTSTRAP_ORGANIZATION: Final = "default"

_HEADERS: Final = frozenset({b"authorization", b"x-api-key", b"api-key"})
RawHeaders = Iterable[tuple[bytes, bytes]]

NO_KEY: Final = Reply.error(
    401,
    "You did not provide an API key. Send it as `Authorization: Bearer KEY` (or in `X-API-Key` or `api-key`).",
    code="missing_api_key",
    headers={"www-authenticate": "Bearer"},
)
WRONG_KEY: Final = Reply.error(
    401, "Incorrect API key provided.", code="invalid_api_key", headers={"www-authenticate": "Bearer"}
)
TWO_KEYS: Final = Reply.error(400, "The request carries different API keys; send one.", code="conflicting_api_keys")
NOT_ADMIN: Final = Reply.error(
    403, "This endpoint needs a gateway-admin key.", type="permission_error", code="admin_required"
)


class Keyring:
    """Immutable. ``callers`` by secret; secrets are kept as SHA-256 digests only and looked up by digest.

    The look-up tells a guesser nothing by its time: to steer a digest he would have to know the secret.
    """

    def __init__(self, callers: Mapping[str, Caller]) -> None:
        self._callers = {_digest(secret.encode()): caller for secret, caller in callers.items()}

    def __len__(self) -> int:
        return len(self._callers)

    def __repr__(self) -> str:
        return f"Keyring({len(self)} keys)"

    def admit(self, headers: RawHeaders, address: str) -> Caller | Reply:
        """The caller whose key this is, or the 400 or 401 to answer with."""
        secrets = credentials(headers)
        if not secrets:
            return NO_KEY
        if len(secrets) > 1:
            return TWO_KEYS
        known = self._callers.get(_digest(secrets.pop()))
        if known is None:
            return WRONG_KEY
        return Caller(organization=known.organization, key=known.key, address=address, admin=known.admin)


def keyring(keys: Sequence[Key], bootstrap: str | None) -> Keyring:
    """The keys of the configuration, and the first key, which may do everything in the default organization."""
    callers = {
        key.secret.get_secret_value(): Caller(organization=key.organization, key=key.id, admin=key.admin)
        for key in keys
    }
    if bootstrap and len(bootstrap) < 16:
        raise ConfigError(f"{BOOTSTRAP_VARIABLE} is shorter than 16 characters")
    if bootstrap:
        callers.setdefault(bootstrap, Caller(organization=BOOTSTRAP_ORGANIZATION, key="bootstrap", admin=True))
    return Keyring(callers)


def credentials(headers: RawHeaders) -> set[bytes]:
    """The distinct secrets in ``Authorization: Bearer``, ``X-API-Key`` and ``api-key``.

    An Authorization header of another scheme counts as the (wrong) secret it carries, an empty one as none.
    """
    found: set[bytes] = set()
    for name, value in headers:
        if name in _HEADERS:
            value = value.strip()
            if name == b"authorization" and value[:7].lower() in (b"bearer ", b"bearer"):
                value = value[7:].strip()
            if value:
                found.add(value)
    return found


def _digest(secret: bytes) -> bytes:
    return sha256(secret).digest()
