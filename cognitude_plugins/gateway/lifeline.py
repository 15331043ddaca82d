"""How a call is ended from outside: the client hangs up, stops reading, or the process must go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Final, Literal

Gone = Literal[
    "client_disconnect", "provider_error", "plugin_error", "request_timeout", "shutdown", "not_recorded", "superseded"
]
"""``superseded``: another attempt of a hedged call had answered."""


_LOOK_SECONDS: Final = 0.25
"""How often is asked whether an answer is still wanted."""


def _by_nobody() -> bool:
    return False


class Lifeline:
    """Whether a call still has somebody to answer, and the only way to interrupt it.

    The call is interrupted only inside ``with lifeline:``, which swallows the cancellation and leaves ``gone`` set;
    elsewhere ``gone`` is merely noted. So what must not be cut short (the way up, the watchers) needs no shield.
    Whoever enters it has looked at ``gone``: a cancellation that finds nothing to interrupt would strike later.
    A cancellation that did not come from `abort` sets ``foreign``: it has to be raised again at the end.
    ``drop``, where the server lends it, closes the connection without waiting for the client.
    ``over`` is set just before the last byte, of a stream before its last event: what happens after it is no longer a
    hang-up. A client that does not take it still is.

    With ``linger`` a call whose client has left goes on for that many seconds: ``gone`` is noted, and the interruption
    comes when they are over. While ``wanted`` says that others wait for the answer it goes on without.
    """

    __slots__ = ("_drop", "_due", "_late", "_linger", "_open", "_task", "_until", "foreign", "gone", "over", "wanted")

    def __init__(self, drop: Callable[[], None] | None = None, linger: float | None = None) -> None:
        self._linger = linger
        self._until: float | None = None
        self.gone: Gone | None = None
        self.foreign = False
        self.over = False
        self.wanted: Callable[[], bool] = _by_nobody
        self._drop = drop
        self._due: float | None = None
        self._late: Callable[[], None] = self.drop
        self._open = False
        self._task = asyncio.current_task()

    def abort(self, why: Gone) -> None:
        """End the call, unless it has ended or is ending already."""
        if self.gone is None and (not self.over or why == "shutdown"):
            self.gone = why
            self._leave()
        elif why == "shutdown" and self._until is not None:
            self._until = None
            self._interrupt()

    @property
    def lingers(self) -> bool:
        """Whether the client has left and the call goes on all the same."""
        return self._until is not None and (perf_counter() < self._until or self.wanted())

    def cut(self) -> None:
        """The task was cancelled where the lifeline is not held: what is left to do is done in another."""
        self.gone, self.foreign = self.gone or "shutdown", True

    @property
    def reachable(self) -> bool:
        """Whether something may still be sent. After a foreign cancellation the server has answered by itself."""
        return self.gone != "client_disconnect" and not self.foreign

    def drop(self) -> None:
        """The client takes nothing: end the call and close its connection with what it has not taken."""
        self.gone = self.gone or "client_disconnect"
        self._leave(blocked=self._drop is None)
        if self._drop is not None:
            self._drop()

    def miss(self) -> None:
        """The call itself has found that the client is gone: nothing to interrupt."""
        if self.gone is None:
            self.gone = "client_disconnect"
            self._stay()

    def _leave(self, *, blocked: bool = False) -> None:
        """Interrupt now, or when the client has been gone for long enough. ``blocked``: the call waits for him."""
        if blocked or self.gone != "client_disconnect" or not self._stay():
            self._interrupt()

    def _stay(self) -> bool:
        """Whether the call is one that lingers; from now on, then."""
        if self._linger is None and not self.wanted():
            return False
        if self._until is None:
            self._until = perf_counter() + (self._linger or 0.0)
            self.expect(self._linger or 0.0, self._lingered)
        return True

    def _lingered(self) -> None:
        """The time is over; what nobody wants ends now."""
        if self.wanted():
            self.expect(_LOOK_SECONDS, self._lingered)
        else:
            self._interrupt()

    def time_out(self) -> None:
        """The client does not get on with its request."""
        self.abort("request_timeout")

    def expect(self, seconds: float, late: Callable[[], None]) -> None:
        """Something must happen within ``seconds``, or ``late`` is called; `relax` says that it has.

        Looked at by `UnderWay`, so up to its tick later.
        """
        self._due = perf_counter() + seconds
        self._late = late

    def relax(self) -> None:
        self._due = None

    def look(self, now: float) -> None:
        """Act if what was expected has not come by ``now``, in `time.perf_counter`'s seconds."""
        if self._due is not None and now > self._due:
            self._due = None
            self._late()

    def __enter__(self) -> None:
        self._open = True
        if self._until is not None:
            self.expect(self._until - perf_counter(), self._lingered)

    def _interrupt(self) -> None:
        if self._open and self._task is not None:
            self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._open = False
        if kind is not asyncio.CancelledError:
            return False
        if self.gone is None:
            self.gone, self.foreign = "shutdown", True
        elif self._task is not None:
            self._task.uncancel()
        return True
