"""One attempt under way: counted as in flight until its end, whatever that is, and what became of it told once."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from .vitals import Vital

_JUST: Final = 0.02
"""Seconds by which a timer may strike early."""


class Flight:
    """Under way from its making to `land`: of a whole answer until it is there, of a stream until it is closed.

    The vital's breaker and its gate have let it in; ``probe`` is what the breaker said. An attempt that was cancelled
    has neither `answered` nor `failed`: it says nothing of the deployment.
    """

    __slots__ = ("_began", "_cut", "_due", "_probe", "_vital")

    def __init__(self, vital: Vital, *, probe: bool = False) -> None:
        vital.in_flight += 1
        self._vital: Vital | None = vital
        self._probe = probe
        self._cut: float | None = None
        self._due = False
        self._began = perf_counter()

    def cut_after(self, seconds: float) -> None:
        """It has less time than the deployment is given: what it does not do in that is not the deployment's fault."""
        self._cut = seconds

    @property
    def was_cut(self) -> bool:
        return self._cut is not None and self.seconds > self._cut - _JUST

    @property
    def seconds(self) -> float:
        return perf_counter() - self._began

    def answered(self, *, timed: bool = True, streamed: bool = False) -> None:
        """The head is there, and it is no failure of the deployment's. How long a refusal took is not ``timed``.

        Of what is ``streamed`` the breaker is told at its end: heads alone would outweigh the streams that break off
        later. A probe has found out enough by its head.
        """
        vital = self._vital
        if vital is None:
            return
        if timed:
            vital.answered(perf_counter() - self._began)
        if streamed and not self._probe:
            self._due = True
        else:
            vital.breaker.succeeded(self._probe)
            self._probe = False

    def failed(self, rest: float | None = None) -> None:
        """No answer came, or not all of it. ``rest``: for how many seconds it wants no more calls."""
        vital, probe = self._vital, self._probe
        if vital is None:
            return
        self._probe = self._due = False
        self.land()
        vital.failed()
        if rest is None:
            vital.breaker.failed(probe)
        else:
            vital.breaker.rest(rest, probe)

    def broke(self) -> None:
        """It broke off behind its head."""
        if self.was_cut:
            self.land()
        else:
            self.failed()

    def land(self) -> None:
        """It is over. Once more does nothing."""
        vital = self._vital
        if vital is None:
            return
        self._vital = None
        vital.in_flight -= 1
        if self._probe:
            vital.breaker.left(True)
        if self._due:
            vital.breaker.succeeded()
        if vital.gate is not None:
            vital.gate.leave()
