"""One call of the script on its way: what is asked, and who is told what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .line import Reply
from .packing import Command


@dataclass(slots=True, eq=False)
class Errand:
    """One call of the script. ``done`` is told the reply; ``lost`` that there will be none, or that it is too late to
    wait: then ``done`` may still be told it afterwards.

    ``kept``: waits while Redis is away until it can be sent. ``again``: may be carried out twice, and is sent until
    there is a reply.
    """

    command: Command
    done: Callable[[Reply], None]
    lost: Callable[[], None]
    kept: bool = False
    again: bool = False
    late: bool = False
