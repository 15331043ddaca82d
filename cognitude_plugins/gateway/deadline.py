"""How long a client wants to wait for its whole answer: the request header that may shorten the total."""

from __future__ import annotations

import re
from typing import Final

NAME: Final = "x-request-timeout-ms"
_DIGITS: Final = re.compile(rb"[0-9]{1,12}")


def seconds_of(value: bytes) -> float:
    """Raises ``ValueError``, whose text names the header, the value and the rule."""
    if _DIGITS.fullmatch(value) is None or int(value) == 0:
        shown = value[:40].decode("latin-1")
        raise ValueError(f"{NAME} is {shown!r}; it must be a whole number of milliseconds, at least 1")
    return int(value) / 1000
