"""The attempt of a hedged call that came second: let finish for a while, and written down with what it cost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hooks import Call, Reply

from .ledger.journal_errors import JournalError
from .respond import Delivered

if TYPE_CHECKING:
    from .course import Course
    from .runtime import Runtime

SOURCE: Final = "hedge"
_PATIENCE_SECONDS: Final = 30.0
_CUT: Final = Reply.error(499, "Another attempt had answered.", type="server_error")


async def settle(runtime: Runtime, call: Call, attempt: asyncio.Task[Reply | None], part: Course) -> None:
    """``part`` is the attempt's own course. The row's ``route`` says whose it was."""
    trace = part.trace
    try:
        await asyncio.wait((attempt,), timeout=_PATIENCE_SECONDS)
    finally:
        attempt.cancel()
        await asyncio.wait((attempt,))
        reply = None if attempt.cancelled() else attempt.result()
        provided = reply if reply is not None and reply.source == "provider" else None
        shown = _CUT if attempt.cancelled() else reply or part.unanswered()
        trace.reasons = (f"hedge of {call.id}",)
        account = runtime.account(call.model, trace)
        row = replace(call, id=runtime.new_id(), state={})
        await account.settle(row, Delivered(reply=shown, paid=None if provided is None else provided.payload), provided)
        final = replace(shown, source=SOURCE, deployment=trace.deployment)
        with suppress(JournalError):
            await account.write(row, final, "superseded" if attempt.cancelled() else None)
