"""Where a process keeps its counts, and the one way of it that needs nothing else: in itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from hooks import Unavailable

from .charge import NONE, Charge, Correction, Verdict
from .memory import Memory

Decision = tuple[Verdict | None, bool]
"""The verdict, and whether it was reached without Redis. None: nobody knows, and it is to be let through then."""


class Down(Unavailable):
    """Redis does not answer."""

    service = "redis"


class Closed(Exception):
    """Redis does not answer and the operator wants nothing let through then."""


class Counters(Protocol):
    """Both kinds. ``tag`` is the organization, or what stands for all of them (see `Policies`)."""

    def now(self) -> int: ...

    async def reserve(self, tag: str, id: str, charges: Sequence[Charge], *, dry: bool = False) -> Decision: ...

    async def look(self, tag: str, charges: Sequence[Charge]) -> Verdict:
        """How the limits stand. Raises `Down`."""
        ...

    async def add(self, tag: str, id: str, charges: Sequence[Charge]) -> None:
        """Count what was used already, whatever the limits say."""
        ...

    async def raise_to(self, tag: str, id: str, charges: Sequence[Charge]) -> None:
        """At least the first one's amount has been used (see `Memory.raise_to`). Raises `Down`."""
        ...

    def settle(self, tag: str, id: str, corrections: Sequence[Correction], *, local: bool) -> None: ...

    def renew(self, tag: str, ids: Iterable[str], charges: Sequence[Charge]) -> None: ...

    async def reset(self, tag: str, subjects: str, *, but: str = NONE) -> None:
        """Forget the counters of the subjects that begin so, and not with ``but``. Raises `Down`."""
        ...

    def forget(self, tag: str, subjects: str, *, but: str = NONE) -> None:
        """The same of what is kept in this process: another one has reset them."""
        ...

    async def sweep(self) -> None:
        """Forget what does not count any more; once a minute."""
        ...

    def status(self) -> dict[str, Any]: ...


class InProcess:
    """Of one process."""

    def __init__(self, memory: Memory, now: Callable[[], int]) -> None:
        self._memory = memory
        self._now = now

    def now(self) -> int:
        return self._now()

    async def reserve(self, tag: str, id: str, charges: Sequence[Charge], *, dry: bool = False) -> Decision:
        return self._memory.reserve(tag, id, charges, dry=dry), False

    async def look(self, tag: str, charges: Sequence[Charge]) -> Verdict:
        return self._memory.reserve(tag, "", charges, dry=True)

    async def add(self, tag: str, id: str, charges: Sequence[Charge]) -> None:
        self._memory.reserve(tag, id, charges, force=True)

    async def raise_to(self, tag: str, id: str, charges: Sequence[Charge]) -> None:
        self._memory.raise_to(tag, id, charges)

    def settle(self, tag: str, id: str, corrections: Sequence[Correction], *, local: bool) -> None:
        self._memory.settle(tag, id, corrections)

    def renew(self, tag: str, ids: Iterable[str], charges: Sequence[Charge]) -> None:
        self._memory.renew(tag, ids, charges)

    async def reset(self, tag: str, subjects: str, *, but: str = NONE) -> None:
        self.forget(tag, subjects, but=but)

    def forget(self, tag: str, subjects: str, *, but: str = NONE) -> None:
        self._memory.reset(tag, subjects, but=but)

    async def sweep(self) -> None:
        self._memory.sweep()

    def status(self) -> dict[str, Any]:
        return {"status": "ok", "counters": "process"}
