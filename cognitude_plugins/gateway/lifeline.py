"""How a call is ended from outside: the client hangs up, stops reading, or the process must go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Literal

Gone = Literal["client_disconnect", "provider_error", "plugin_error", "request_timeout", "shutdown"]


class Lifeline:
    """Whether a call still has somebody to answer, and the only way to interrupt it.

    The call is interrupted only inside ``with lifeline:``, which swallows the cancellation and leaves ``gone`` set;
    elsewhere ``gone`` is merely noted. So what must not be cut short (the way up, the watchers) needs no shield.
    Whoever enters it has looked at ``gone``: a cancellation that finds nothing to interrupt would strike later.
    A cancellation that did not come from `abort` sets ``foreign``: it has to be raised again at the end.
    ``drop``, where the server lends it, closes the connection without waiting for the client.
    ``over`` is set just before the last byte: what happens after it is no longer a hang-up. A client that does not
    take it still is.
    """

    __slots__ = ("_drop", "_open", "_task", "foreign", "gone", "over")

    def __init__(self, drop: Callable[[], None] | None = None) -> None:
        self.gone: Gone | None = None
        self.foreign = False
        self.over = False
        self._drop = drop
        self._open = False
        self._task = asyncio.current_task()

    def abort(self, why: Gone) -> None:
        """End the call, unless it has ended or is ending already."""
        if self.gone is None and (not self.over or why == "shutdown"):
            self.gone = why
            self._interrupt()

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
        self._interrupt()
        if self._drop is not None:
            self._drop()

    def __enter__(self) -> None:
        self._open = True

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


class Stall:
    """One timer for a whole stream: a client that takes nothing for ``seconds`` has hung up."""

    __slots__ = ("_handle", "_lifeline", "_seconds", "since")

    def __init__(self, lifeline: Lifeline, seconds: float) -> None:
        self.since: float | None = None
        self._lifeline = lifeline
        self._seconds = seconds
        self._handle = asyncio.get_running_loop().call_later(seconds / 2, self._look)

    def _look(self) -> None:
        if self.since is not None and perf_counter() - self.since > self._seconds:
            self._lifeline.drop()
        else:
            self._handle = asyncio.get_running_loop().call_later(self._seconds / 2, self._look)

    def cancel(self) -> None:
        self._handle.cancel()
