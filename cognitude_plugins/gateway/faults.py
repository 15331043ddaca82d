"""Counts and logs what goes wrong in plugins: every failure is counted, each distinct one logged once a minute."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

log: Final = logging.getLogger("cognitude")
_EVERY_SECONDS: Final = 60.0
_DISTINCT: Final = 256


class Faults:
    """The failures and shadow decisions of one entry of the pipeline."""

    def __init__(self, plugin: str, clock: Callable[[], float] = monotonic) -> None:
        self.plugin = plugin
        self.errors = 0
        self.last_error: str | None = None
        self.last_kind: str | None = None
        self.shadow: dict[str, int] = {}
        self._clock = clock
        self._logged: dict[str, tuple[float, int]] = {}

    def failed(self, where: str, error: BaseException) -> str:
        """Count a failure, log it if it is due, and return it in one line."""
        self.errors += 1
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        self.last_error = f"{where}: {text}"[:500]
        self.last_kind = f"{where}: {type(error).__name__}"
        self._say(self.last_error, error)
        return self.last_error

    def would(self, what: str) -> None:
        """Count what a plugin in shadow mode would have done."""
        if what in self.shadow or len(self.shadow) < _DISTINCT:
            self.shadow[what] = self.shadow.get(what, 0) + 1

    def _say(self, text: str, error: BaseException) -> None:
        now = self._clock()
        since, suppressed = self._logged.get(text, (-_EVERY_SECONDS, 0))
        if now - since < _EVERY_SECONDS:
            self._logged[text] = (since, suppressed + 1)
            return
        if len(self._logged) >= _DISTINCT:
            self._logged.clear()
        self._logged[text] = (now, 0)
        again = f" ({suppressed} more in the last minute)" if suppressed else ""
        log.error("plugin %s failed in %s%s", self.plugin, text, again, exc_info=error)

    def as_dict(self) -> dict[str, object]:
        """For ``/health``, which is public: the kind of the last error, not its text, which may quote a prompt."""
        report: dict[str, object] = {"errors": self.errors}
        if self.last_kind:
            report["last_error"] = self.last_kind
        if self.shadow:
            report["shadow"] = dict(self.shadow)
        return report
