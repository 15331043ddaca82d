"""The limits while Redis is away: a share of what was left of each, and the debts to be paid when it is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from .charge import NONE, UNLIMITED, Charge, Correction, Kind, Verdict
from .memory import Memory
from .packing import Command, reserve_command, settle_command
from .windows import taken_in

_MOST_SEEN: Final = 50_000
_MOST_DECIDED: Final = 20_000
_MOST_OWED: Final = 10_000

Name = tuple[str, str]
"""Subject and field of a counter."""


@dataclass(slots=True)
class _Debt:
    """``start`` of the window in which it was taken."""

    charge: Charge
    start: int
    amount: int = 0


@dataclass(slots=True)
class _Away:
    """What one organization was let without Redis. ``begun`` are the counters that began from what was left."""

    memory: Memory
    begun: set[Name] = field(default_factory=set)
    debts: dict[tuple[Name, int], _Debt] = field(default_factory=dict)


class Degraded:
    """``share`` of every limit is this process's. ``now`` is the server's time, as far as it is known.

    What is remembered of Redis is how much was left of each limit: of that, not of the whole limit, the share is taken
    for the window that was running.
    """

    def __init__(self, now: Callable[[], int], *, prefix: str, share: float) -> None:
        self._now = now
        self._prefix = prefix
        self._share = share
        self._seen: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._away: dict[str, _Away] = {}
        self._decided: dict[str, list[tuple[Sequence[Charge], Verdict]]] = {}

    def saw(self, tag: str, charges: Sequence[Charge], verdict: Verdict) -> None:
        """How the limits stood in Redis; on the path of every call."""
        if len(self._seen) > _MOST_SEEN:
            self._seen = {}
        for charge, state in zip(charges, verdict.states, strict=False):
            self._seen[tag, charge.subject, charge.field] = (state.remaining - charge.beyond, state.reset)

    def raise_to(self, tag: str, id: str, charges: Sequence[Charge]) -> None:
        """See `Memory.raise_to`: of what is left then, the share is this process's."""
        used = charges[0].amount
        for charge in charges[:2]:
            remaining, reset = self._seen.get((tag, charge.subject, charge.field), (0, 0))
            if reset <= self._now() or remaining > charge.limit - used:
                self._seen[tag, charge.subject, charge.field] = (charge.limit - used, charge.end)
        if (away := self._away.get(tag)) is not None:
            spent, taken, lease = map(self._scaled, charges)
            for charge in (spent, taken):
                self._begin(tag, away, replace(charge, amount=0))
            away.memory.raise_to(tag, id, (replace(spent, amount=int(used * self._share)), taken, lease))

    def reserve(self, tag: str, id: str, charges: Sequence[Charge], *, dry: bool = False) -> Verdict:
        away = self._away.get(tag)
        if away is None:
            away = self._away[tag] = _Away(Memory(self._now))
        scaled = tuple(self._scaled(charge) for charge in charges)
        for charge in scaled:
            self._begin(tag, away, charge)
        verdict = away.memory.reserve(tag, id, scaled, dry=dry)
        if verdict.admitted and not dry:
            self._owe(away, charges, verdict, 1)
            self._remember(id, charges, verdict)
        return verdict

    def owes(self, tag: str) -> bool:
        """Whether something was decided here that Redis has not been told."""
        return tag in self._away

    def owed(self) -> list[tuple[str, tuple[Charge, ...]]]:
        """Of each organization of which something is to be paid: charges about those counters."""
        return [
            (tag, tuple(debt.charge for debt in away.debts.values())) for tag, away in self._away.items() if away.debts
        ]

    def settle(self, tag: str, id: str, corrections: Sequence[Correction]) -> tuple[Correction, ...]:
        """Of a call that was let through here, once. What is left is of debts that were paid meanwhile, and to be put
        right in Redis; a lease of it Redis has never had.
        """
        if self._decided.pop(id, None) is None:
            return ()
        away = self._away.get(tag)
        if away is not None:
            away.memory.settle(tag, id, corrections)
        counted = [one for one in corrections if one.charge.kind is not Kind.LEASE]
        return tuple(one for one in counted if away is None or not self._reckoned(away, one))

    def renew(self, tag: str, ids: Sequence[str], charges: Sequence[Charge]) -> None:
        if tag in self._away:
            self._away[tag].memory.renew(tag, ids, charges)

    def reset(self, tag: str, subjects: str, *, but: str = NONE) -> None:
        def meant(subject: str) -> bool:
            return subject.startswith(subjects) and not subject.startswith(but)

        for name in [name for name in self._seen if name[0] == tag and meant(name[1])]:
            del self._seen[name]
        if (away := self._away.get(tag)) is not None:
            away.memory.reset(tag, subjects, but=but)
            away.debts = {key: debt for key, debt in away.debts.items() if not meant(key[0][0])}

    def sweep(self) -> None:
        """Forget what does not count any more."""
        now = self._now()
        for tag, away in self._away.items():
            away.memory.sweep()
            away.debts = {key: debt for key, debt in away.debts.items() if _counts(debt, now)}
            away.begun = {name for name in away.begun if self._seen.get((tag, *name), (0, 0))[1] > now}

    def late(self, tag: str, id: str, charges: Sequence[Charge]) -> bool:
        """Redis has let the call through after all, and counted it: it is owed no longer. False if it was refused
        here, or paid already: then what Redis has counted must be undone.
        """
        away = self._away.get(tag)
        verdict = next(
            (verdict for taken, verdict in self._decided.get(id, ()) if tuple(taken) == tuple(charges)), None
        )
        if away is None or verdict is None:
            return False
        self._owe(away, charges, verdict, -1)
        return True

    def paid(self, now: int) -> list[Command]:
        """What was let through here, to be counted in Redis; with that, this time is over."""
        commands = [command for tag in tuple(self._away) for command in self.paid_of(tag, now)]
        # The others are not settled.
        self._decided = {id: taken for id, taken in self._decided.items() if _leased(taken[0][0])}
        return commands

    def paid_of(self, tag: str, now: int) -> Iterator[Command]:
        """The same, of one organization."""
        away = self._away.pop(tag, None)
        if away is None:
            return
        for debt in away.debts.values():
            if debt.charge.kind is Kind.BUCKET:
                debt.amount = min(debt.amount, self._missing(tag, away, debt.charge))
            if debt.amount > 0 and _counts(debt, now):
                self._less(tag, debt)
                yield self._command(tag, debt, now)

    def _missing(self, tag: str, away: _Away, charge: Charge) -> int:
        """In the bucket: the rest of what was taken has come back by itself."""
        bucket = replace(self._scaled(charge), amount=0)
        return bucket.burst - away.memory.reserve(tag, "", (bucket,), dry=True).states[0].remaining

    def _less(self, tag: str, debt: _Debt) -> None:
        """Of what was left in Redis: it may go away again before it has told anything else."""
        name = (tag, debt.charge.subject, debt.charge.field)
        if name in self._seen:
            remaining, reset = self._seen[name]
            self._seen[name] = (max(0, remaining - debt.amount), reset)

    def _remember(self, id: str, charges: Sequence[Charge], verdict: Verdict) -> None:
        if len(self._decided) >= _MOST_DECIDED:
            del self._decided[next(iter(self._decided))]
        self._decided.setdefault(id, []).append((charges, verdict))

    def _command(self, tag: str, debt: _Debt, now: int) -> Command:
        """Into the window in which it was taken: into the running one until it ends."""
        charge = replace(debt.charge, amount=debt.amount)
        if charge.kind is Kind.BUCKET:
            return reserve_command(self._prefix, tag, "", (charge,), flags="force")
        end = _end(debt)
        if now < end:
            return reserve_command(self._prefix, tag, "", (charge,), flags="force", not_after=end - 1)
        return settle_command(self._prefix, tag, "", (Correction(charge=charge, delta=debt.amount, start=debt.start),))

    def _scaled(self, charge: Charge) -> Charge:
        if charge.limit == UNLIMITED:
            return charge
        return replace(
            charge,
            limit=max(1, int((charge.limit - charge.beyond) * self._share)) + charge.beyond,
            burst=max(1, int(charge.burst * self._share)) if charge.burst else 0,
        )

    def _begin(self, tag: str, away: _Away, charge: Charge) -> None:
        """At first sight the counter is set so that a share of what was left is left."""
        name = (charge.subject, charge.field)
        seen = self._seen.get((tag, *name))
        if seen is None or name in away.begun:
            return
        away.begun.add(name)
        remaining, reset = seen
        if charge.kind is Kind.LEASE or reset <= self._now():
            return
        if charge.limit == UNLIMITED:
            taken = int((UNLIMITED - remaining) * self._share)
        else:
            taken = charge.most - charge.beyond - int(remaining * self._share)
        if taken > 0:
            away.memory.reserve(tag, "", (replace(charge, amount=taken),), force=True)

    def _owe(self, away: _Away, charges: Sequence[Charge], verdict: Verdict, sign: int) -> None:
        for charge, state in zip(charges, verdict.states, strict=True):
            if charge.kind is not Kind.LEASE:
                debt = self._debt(away, charge, taken_in(charge, state))
                debt.amount = max(0, debt.amount + sign * charge.amount)

    def _debt(self, away: _Away, charge: Charge, start: int) -> _Debt:
        key = ((charge.subject, charge.field), start)
        debt = away.debts.get(key)
        if debt is None:
            if len(away.debts) >= _MOST_OWED:
                del away.debts[next(iter(away.debts))]
            debt = away.debts[key] = _Debt(charge, start)
        return debt

    def _reckoned(self, away: _Away, one: Correction) -> bool:
        """Whether it could be put right in what is still owed."""
        debt = away.debts.get(((one.charge.subject, one.charge.field), one.start))
        if debt is None or debt.amount + one.delta < 0:
            return False
        debt.amount += one.delta
        return True


def _leased(charges: Sequence[Charge]) -> bool:
    return any(charge.kind is Kind.LEASE for charge in charges)


def _end(debt: _Debt) -> int:
    """Of the window in which it was taken."""
    charge = debt.charge
    if charge.kind is Kind.CALENDAR:
        return charge.end if debt.start == charge.start else charge.after
    return debt.start + charge.window


def _counts(debt: _Debt, now: int) -> bool:
    """Whether what was taken in that window makes a difference yet."""
    kind = debt.charge.kind
    return kind is Kind.BUCKET or now < _end(debt) + (debt.charge.window if kind is Kind.SLIDING else 0)
