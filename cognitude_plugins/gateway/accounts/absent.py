"""Why there is nobody for a key."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Absent(Enum):
    """Why `Directory.find` has nobody. A client is not told which."""

    NOT_OURS = "not of our format"
    UNKNOWN = "not known, wrong, expired, revoked or disabled"


NOT_OURS: Final = Absent.NOT_OURS
UNKNOWN: Final = Absent.UNKNOWN
