"""The limits of one process: decides and counts in memory what ``script.lua`` decides and counts in Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import ceil
from typing import Final

from .charge import NONE, Charge, Correction, Kind, State, Verdict
from .leases import Leases
from .windows import Counter, Found, correct, look, look_lease, stay, take

_LEASE: Final = Kind.LEASE
_GRACE: Final = 60_000
"""For how long a subject is kept when its last window is over, as in the script: the clock may be set back a little."""


class Memory:
    """Not thread-safe, and no I/O: an operation is done before the next begins.

    ``clock`` is in whole milliseconds since 1970. A call is admitted by all of its limits, or counted by none. No two
    charges of a call are about the same counter.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._subjects: dict[tuple[str, str], _Subject] = {}

    def reserve(
        self, organization: str, id: str, charges: Sequence[Charge], *, dry: bool = False, force: bool = False
    ) -> Verdict:
        """``dry`` tells how the limits stand and writes nothing. ``force`` counts what was used already: it fits."""
        now = self._clock()
        found: list[Found] = []
        fit, name, subject = True, None, None
        for charge in charges:
            if charge.subject != name:
                name = charge.subject
                subject = self._subjects.get((organization, name))
            if charge.kind is _LEASE:
                leases = subject.leases.get(charge.field) if subject else None
                one = look_lease(leases.count(now) if leases else 0, charge)
            else:
                counter = subject.counters.get(charge.field) if subject else None
                one = look(counter, charge, now)
            found.append(one)
            if not one[3]:
                fit = False
        if (fit or force) and not dry:
            return Verdict(now, self._take(organization, id, charges, found, now))
        if not dry:
            self._put_back(organization, charges, found, now)
        states = [stay(one, charge, now) for charge, one in zip(charges, found, strict=True)]
        return Verdict(now, states, tuple(index for index, one in enumerate(found) if not one[3]))

    def settle(self, organization: str, id: str, corrections: Sequence[Correction]) -> bool:
        """Corrections of which the first is a lease are made once: while the lease is there."""
        for place, correction in enumerate(corrections):
            charge = correction.charge
            subject = self._subjects.get((organization, charge.subject))
            if charge.kind is _LEASE:
                leases = subject.leases.get(charge.field) if subject else None
                if not (leases and leases.drop(id)) and place == 0:
                    return False
            elif subject and (counter := subject.counters.get(charge.field)):
                subject.counters[charge.field] = counter = correct(counter, correction)
                if charge.kind is Kind.BUCKET:
                    subject.until = max(subject.until, counter[0] + ceil(counter[1] / charge.limit))
        return bool(corrections)

    def raise_to(self, organization: str, id: str, charges: Sequence[Charge]) -> int:
        """Of three charges: the first counter is its amount at least; by how much it was raised is returned. The second
        is that, and what the calls under way, of which the third are leases, hold of the subject ``id``: what a process
        that died has left in it is gone. The ids of such calls are `marked`.
        """
        now = self._clock()
        spent, taken, lease = charges
        before = [look(self._counter(organization, one), one, now)[0][1] for one in (spent, taken)]
        least = max(before[0], spent.amount)
        subject = self._subjects.get((organization, lease.subject))
        leases = subject.leases.get(lease.field) if subject else None
        held = sum(_held(member, id) for member, end in leases.ends().items() if end > now) if leases else 0
        more = least - before[0], least + held - before[1]
        if any(more):
            for charge, amount in zip((spent, taken), more, strict=True):
                one = replace(charge, amount=amount)
                self._take(organization, "", (one,), [look(self._counter(organization, one), one, now)], now)
        return more[0]

    def renew(self, organization: str, ids: Iterable[str], charges: Sequence[Charge]) -> None:
        """These calls, where they hold a lease (the charges are leases), hold it for another window from now on."""
        now = self._clock()
        ids = tuple(ids)
        for charge in charges:
            subject = self._subjects.get((organization, charge.subject))
            leases = subject.leases.get(charge.field) if subject else None
            if subject and leases:
                subject.until = max(subject.until, now + charge.window)
                for id in ids:
                    leases.renew(id, now + charge.window)

    def reset(self, organization: str, subjects: str, *, but: str = NONE) -> None:
        """Everything that was counted of the subjects that begin so, and not with ``but``, is forgotten; what is under
        way still is.
        """
        for (of, name), subject in self._subjects.items():
            if of == organization and name.startswith(subjects) and not name.startswith(but):
                subject.counters.clear()

    def sweep(self) -> int:
        """Forget the subjects whose last window is over, and say how many they were."""
        before = self._clock() - _GRACE
        over = [name for name, subject in self._subjects.items() if subject.until <= before]
        for name in over:
            del self._subjects[name]
        return len(over)

    def _take(
        self, organization: str, id: str, charges: Sequence[Charge], found: Sequence[Found], now: int
    ) -> list[State]:
        states: list[State] = []
        name, subject = None, _NOBODY
        for charge, one in zip(charges, found, strict=False):
            if charge.subject != name:
                name = charge.subject
                subject = self._subjects.get((organization, name)) or self._add(organization, name)
            counter, state = take(one, charge, now)
            if charge.kind is _LEASE:
                subject.lease(charge, id, now)
            else:
                subject.counters[charge.field] = counter
            until = state.reset + charge.window
            if until > subject.until:
                subject.until = until
            states.append(state)
        return states

    def _counter(self, organization: str, charge: Charge) -> Counter | None:
        subject = self._subjects.get((organization, charge.subject))
        return subject.counters.get(charge.field) if subject else None

    def _add(self, organization: str, name: str) -> _Subject:
        subject = self._subjects[organization, name] = _Subject()
        return subject

    def _put_back(self, organization: str, charges: Sequence[Charge], found: Sequence[Found], now: int) -> None:
        """A refusal writes nothing, unless the clock was set back: then what it found, so that it ends."""
        for charge, one in zip(charges, found, strict=True):
            subject = self._subjects.get((organization, charge.subject))
            if one[4] and subject:
                subject.counters[charge.field] = one[0]
            elif charge.kind is _LEASE and subject and (leases := subject.leases.get(charge.field)):
                leases.cap(now + charge.window)


class _Subject:
    """``until`` is when its last window is over: after that nothing of it counts."""

    __slots__ = ("counters", "leases", "until")

    def __init__(self) -> None:
        self.counters: dict[str, Counter] = {}
        self.leases: dict[str, Leases] = {}
        self.until = 0

    def lease(self, charge: Charge, id: str, now: int) -> None:
        leases = self.leases.get(charge.field)
        if leases is None:
            leases = self.leases[charge.field] = Leases()
        leases.forget(now - charge.window)
        if charge.amount:
            leases.take(id, now + charge.window)
        self.until = max(self.until, now + charge.window)


def _held(member: str, subject: str) -> int:
    amount = member.partition(" ")[0]
    return int(amount) if f" {subject} " in member and amount.isascii() and amount.isdigit() else 0


_NOBODY: Final = _Subject()
