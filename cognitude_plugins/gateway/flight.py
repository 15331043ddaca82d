"""One attempt under way: counted as in flight until its end, whatever that is, and what became of it told once."""

from __future__ import annotations

from time import perf_counter

from .vitals import Vital


class Flight:
    """Under way from its making to `land`: of a whole answer until it is there, of a stream until it is closed.

    An attempt that was cancelled has neither `answered` nor `failed`: it says nothing of the deployment.
    """

    __slots__ = ("_began", "_vital")

    def __init__(self, vital: Vital) -> None:
        vital.in_flight += 1
        self._vital: Vital | None = vital
        self._began = perf_counter()

    def answered(self) -> None:
        """The head is there."""
        if self._vital is not None:
            self._vital.answered(perf_counter() - self._began)

    def failed(self) -> None:
        """No answer came, or it broke off behind its head."""
        vital = self._vital
        self.land()
        if vital is not None:
            vital.failed()

    def land(self) -> None:
        """It is over. Once more does nothing."""
        if self._vital is not None:
            self._vital.in_flight -= 1
            self._vital = None
