"""How much in the database still needs which secret key."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, func, select

from .secret_keys import SecretKeys
from .tables import ApiKey, ProviderCredential

_KEYS: Final = ApiKey.__table__  # type: ignore[attr-defined]
_CREDENTIALS: Final = ProviderCredential.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One secret key by its id. ``client_keys`` counts what would be accepted, a rotated secret in its overlap too."""

    id: str
    state: Literal["current", "older", "missing"]
    client_keys: int
    provider_credentials: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def uses(connection: Connection, secrets: SecretKeys, now_ms: int) -> list[Use]:
    """Those that are configured, the current one first, then those that something needs and nobody has."""
    live = _KEYS.c.revoked_ms.is_(None)
    keys = _counted(connection, _KEYS.c.pepper, live)
    keys += _counted(connection, _KEYS.c.previous_pepper, live & (_KEYS.c.previous_until_ms > now_ms))
    sealed = _counted(connection, _CREDENTIALS.c.secret_key, _CREDENTIALS.c.sealed != b"")
    missing = sorted({*keys, *sealed} - set(secrets.ids))
    return [
        Use(id=id, state=_state(id, secrets), client_keys=keys[id], provider_credentials=sealed[id])
        for id in (*secrets.ids, *missing)
    ]


def _counted(connection: Connection, column: Any, which: Any) -> Counter[str]:
    rows = connection.execute(select(column, func.count()).where(which).group_by(column)).all()
    return Counter({row[0]: row[1] for row in rows})


def _state(id: str, secrets: SecretKeys) -> Literal["current", "older", "missing"]:
    if secrets.get(id) is None:
        return "missing"
    return "current" if id == secrets.current.id else "older"
