"""W3C Trace Context, level 1: a caller's trace is continued, a new one begun where there is none."""

from __future__ import annotations

import re
from os import urandom
from typing import Final

_FORM: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?")


def continued(header: bytes | None) -> str:
    """The ``traceparent`` for the provider: the same trace id and flags, a span of our own as the parent."""
    found = _FORM.fullmatch(header) if header is not None and len(header) <= 512 else None
    if found is None:
        fresh = urandom(24).hex()
        return f"00-{fresh[:32]}-{fresh[32:]}-01"
    return f"00-{found[1].decode()}-{urandom(8).hex()}-{found[2].decode()}"
