"""What is remembered of a call while it is at the provider."""

from __future__ import annotations

from dataclasses import dataclass

from .entry import Entry
from .flights import Flight
from .recent import Place
from .wishes import NONE, Wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """Of a call that goes on to a provider. ``place`` is where its answer will be kept; ``flight`` what others wait
    for, None where it goes by itself; ``stale`` what may be given if the provider fails; ``about`` the digest of the
    request where the place is that of an Idempotency-Key.
    """

    place: Place
    wishes: Wishes = NONE
    flight: Flight | None = None
    stale: Entry | None = None
    about: str = ""
    forced: bool = False
