"""Who is calling when the app behind checks the key: a digest of all in the request that may say who it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any, Final

from hooks import Caller

_TELLING: Final = re.compile(
    rb"auth|key|token|secret|cookie|session|credential|jwt|assertion|signature|identity|email|subject|account"
    rb"|organi[sz]ation|project|tenant|team|client-(?:cert|id)|-user|(?:^|-)sub(?:$|-)"
)
_SAYS_NOTHING: Final = frozenset({b"idempotency-key", b"x-idempotency-key", b"sec-websocket-key"})


def caller_of(scope: MutableMapping[str, Any]) -> Caller:
    """An organization for each credential, so that no plugin can share anything between two of them.

    Which header the app behind goes by is not known here: every one counts whose name speaks of a key, a token, a user
    or a cookie, and the query string. Too many organizations cost cache hits, one too few would show one client the
    answer of another. A request that says nothing of its sender is ``anonymous``.
    """
    client = scope.get("client")
    address = str(client[0]) if client else ""
    said = [part for pair in scope["headers"] if _tells(pair[0]) for part in pair]
    if scope.get("query_string"):
        said.append(scope["query_string"])
    if not said:
        return Caller(organization="anonymous", key="anonymous", address=address)
    digest = hashlib.sha256(b"\0".join(said)).hexdigest()[:32]
    return Caller(organization=f"key-{digest}", key=digest, address=address)


@lru_cache(1024)
def _tells(name: bytes) -> bool:
    return _TELLING.search(name) is not None and name not in _SAYS_NOTHING
