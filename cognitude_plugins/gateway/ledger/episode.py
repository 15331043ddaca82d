"""Trouble that is said once when it begins and once when it is over, not with every row."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

log: Final = logging.getLogger("cognitude.ledger")


class Episode:
    """Of the journal in ``folder``; ``what`` is what becomes of rows meanwhile."""

    def __init__(self, folder: Path, what: str) -> None:
        self._folder = folder
        self._what = what
        self._on = False
        self._lost = 0

    def tell(self, why: str | None, lost: int) -> None:
        """``why`` there is trouble, None if there is none; ``lost`` is the number of rows since the start."""
        if why is not None and not self._on:
            log.error("journal %s: %s; %s", self._folder, why, self._what)
        elif why is None and self._on:
            log.warning("journal %s: in order again; %d rows were lost", self._folder, lost - self._lost)
        if why is None:
            self._lost = lost
        self._on = why is not None
