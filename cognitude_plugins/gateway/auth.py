"""Who is calling: credentials to a `Caller`. There is no way to be nobody."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from hooks import Caller, ConfigError, Reply

from .accounts.absent import NOT_OURS, UNKNOWN
from .accounts.declared import Declared
from .settings import Key

if TYPE_CHECKING:
    from .accounts.directory import Directory

BOOTSTRAP_VARIABLE: Final = "COGNITUDE_BOOTSTRAP_KEY"
ADMIN_VARIABLE: Final = "COGNITUDE_ADMIN_KEY"
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
UNKNOWN_KEY: Final = Reply.error(
    401, "Incorrect API key provided.", code="invalid_api_key", headers={"www-authenticate": "Bearer"}
)
"""To a client the same as `WRONG_KEY`; to us a key of our own making that may have been made a moment ago elsewhere."""

TWO_KEYS: Final = Reply.error(400, "The request carries different API keys; send one.", code="conflicting_api_keys")


class Keyring:
    """``declared`` are the callers by secret that configuration and environment name; ``directory`` knows the rest.

    Declared secrets are kept as SHA-256 digests only and looked up by digest. The look-up tells a guesser nothing by
    its time: to steer a digest he would have to know the secret.
    """

    def __init__(self, declared: Mapping[str, Caller], directory: Directory | None = None) -> None:
        self._declared = {_digest(secret.encode()): caller for secret, caller in declared.items()}
        self.declared = Declared(
            keys=frozenset(caller.key for caller in declared.values()),
            organizations=frozenset(caller.organization for caller in declared.values() if not caller.admin),
        )
        self.directory = directory

    def __len__(self) -> int:
        return len(self._declared)

    def __repr__(self) -> str:
        return f"Keyring({len(self)} declared keys)"

    def admit(self, headers: RawHeaders, address: str) -> Caller | Reply:
        """The caller whose key this is, or the 400 or 401 to answer with."""
        secrets = credentials(headers)
        if not secrets:
            return NO_KEY
        if len(secrets) > 1:
            return TWO_KEYS
        secret = secrets.pop()
        if self.directory is not None:
            known = self.directory.find(secret, time.time())
            if known is UNKNOWN:
                return self._named(secret, address) or UNKNOWN_KEY
            if known is not NOT_OURS:
                return known.caller(address)
        return self._named(secret, address) or WRONG_KEY

    def _named(self, secret: bytes, address: str) -> Caller | None:
        known = self._declared.get(_digest(secret))
        if known is None or self._disabled(known.organization):
            return None
        return Caller(
            organization=known.organization,
            key=known.key,
            address=address,
            role=known.role,
            models=known.models,
            admin=known.admin,
        )

    async def exists(self, organization: str) -> bool:
        """Whether it is declared or in the database, where it may have been made a moment ago elsewhere."""
        if self.directory is None or organization in self.declared.organizations:
            return True
        known = self.directory.standing(organization) is not None
        return known or (await self.directory.catch_up() and self.directory.standing(organization) is not None)

    def organizations(self) -> tuple[str, ...]:
        """Declared or in the database, without the disabled ones, by id."""
        declared = {one for one in self.declared.organizations if not self._disabled(one)}
        return tuple(sorted(declared if self.directory is None else declared | self.directory.organizations()))

    def _disabled(self, organization: str) -> bool:
        """In the database, where a declared organization need not be."""
        return self.directory is not None and self.directory.standing(organization) not in (None, "active")

    async def catch_up(self) -> bool:
        """After `UNKNOWN_KEY`: whether keys have become known that were not, so that it is worth to ask again."""
        return self.directory is not None and await self.directory.catch_up()


def keyring(keys: Sequence[Key], environ: Mapping[str, str]) -> Keyring:
    """The keys of the configuration, and the two that the environment may name.

    COGNITUDE_BOOTSTRAP_KEY is an admin's of the organization ``default``, COGNITUDE_ADMIN_KEY a gateway admin's. Raises
    `ConfigError` for one that is too short, and when both are the same.
    """
    callers: dict[str, Caller] = {}
    for key in keys:
        callers[key.secret.get_secret_value()] = Caller(
            organization=key.organization or "", key=key.id, role=key.role, models=key.models, admin=key.admin
        )
    bootstrap = _of_environment(environ, BOOTSTRAP_VARIABLE)
    admin = _of_environment(environ, ADMIN_VARIABLE)
    if bootstrap is not None and bootstrap == admin:
        raise ConfigError(f"{BOOTSTRAP_VARIABLE} and {ADMIN_VARIABLE} are the same key: they are of different kinds")
    if bootstrap is not None:
        callers.setdefault(bootstrap, Caller(organization=BOOTSTRAP_ORGANIZATION, key="bootstrap", role="admin"))
    if admin is not None:
        callers.setdefault(admin, Caller(organization="", key="admin", role="admin", admin=True))
    return Keyring(callers)


def _of_environment(environ: Mapping[str, str], variable: str) -> str | None:
    secret = environ.get(variable)
    if secret and len(secret) < 16:
        raise ConfigError(f"{variable} is shorter than 16 characters")
    return secret or None


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
