"""Whose cancellation a ``CancelledError`` is: this task's, or one that strayed in from something it waited for."""

from __future__ import annotations

import asyncio


def interrupted() -> bool:
    """Whether somebody has asked for this task to end. If not, what it caught is a failure like any other."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
