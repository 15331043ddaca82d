"""W3C Trace Context, level 1: a caller's trace is continued, a new one begun where there is none."""

from __future__ import annotations

import re
from random import getrandbits
from typing import Final

_FORM: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?")


def continued(header: bytes | None) -> str:
    """The ``traceparent`` for the provider: the same trace id and flags, a span of our own as the parent."""
    found = _FORM.fullmatch(header) if header is not None and len(header) <= 512 else None
    if found is None:
        return f"00-{_random(128):032x}-{_random(64):016x}-01"
    return f"00-{found[1].decode()}-{_random(64):016x}-{found[2].decode()}"


def _random(bits: int) -> int:
    """Not zero, which the standard keeps for "none"."""
    return getrandbits(bits) or 1
