"""What goes to ``script.lua`` and what comes back: charges to KEYS and ARGV, a reply to a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from .charge import Charge, Correction, Kind, State, Verdict

Command = tuple[list[str], list[str | int]]
"""KEYS and ARGV of one EVALSHA. The layout of ARGV is told at the top of ``script.lua``."""

_NUMBERS: Final = ("", "1", "2", "3", "4")
"""Of a `Kind`, as text: a client without hiredis would write the enum's name."""


def marked(id: str, held: int, subjects: Iterable[str]) -> str:
    """The id of a call that tells what it holds, and of which subjects."""
    return " ".join((str(held), *subjects, id))


def subject_key(prefix: str, organization: str, subject: str) -> str:
    """The hash of a subject's counters. All keys of an organization are in one slot of a cluster: that of its tag."""
    return f"{prefix}:{{{organization}}}:{subject}"


def lease_key(prefix: str, organization: str, subject: str, field: str) -> str:
    """The sorted set of the calls that are under way, by when their lease ends."""
    return f"{prefix}:{{{organization}}}:{subject}:{field}"


def reserve_command(
    prefix: str, organization: str, id: str, charges: Sequence[Charge], *, flags: str = "", not_after: int = 0
) -> Command:
    """``flags`` is empty, ``dry`` or ``force``. After ``not_after`` (the server's clock; 0: never) nothing is done."""
    keys: list[str] = []
    argv: list[str | int] = ["reserve", id, flags, not_after, len(charges)]
    places: dict[str, int] = {}
    for charge in charges:
        place = _place(prefix, organization, charge, keys, places)
        # A kind leaves what is another's at 0: the last value is a bucket's burst or a calendar's end after the next.
        argv += (
            _NUMBERS[charge.kind],
            place,
            charge.field,
            charge.limit,
            charge.amount,
            charge.window,
            charge.start,
            charge.end,
            charge.after or charge.burst,
        )
    return keys, argv


def settle_command(prefix: str, organization: str, id: str, corrections: Sequence[Correction]) -> Command:
    keys: list[str] = []
    argv: list[str | int] = ["settle", id, "", 0, len(corrections)]
    places: dict[str, int] = {}
    for correction in corrections:
        charge = correction.charge
        place = _place(prefix, organization, charge, keys, places)
        argv += (
            _NUMBERS[charge.kind],
            place,
            charge.field,
            charge.limit,
            correction.delta,
            charge.window,
            correction.start,
            charge.end,
            charge.after or charge.burst,
        )
    return keys, argv


def raise_command(prefix: str, organization: str, id: str, charges: Sequence[Charge]) -> Command:
    """See `Memory.raise_to`."""
    keys, argv = reserve_command(prefix, organization, id, charges)
    argv[0] = "raise"
    return keys, argv


def renew_command(prefix: str, organization: str, ids: Iterable[str], charges: Sequence[Charge]) -> Command:
    """``charges`` are leases; each of the calls ``ids`` that holds one holds it for another window from now."""
    keys, argv = reserve_command(prefix, organization, "", charges)
    argv[0] = "renew"
    argv += ids
    return keys, argv


def verdict_of(reply: Sequence[int], charges: Sequence[Charge]) -> Verdict | None:
    """What the script decided; ``None`` when it was asked too late and did nothing."""
    if len(reply) == 1:
        return None
    states = [State(reply[at], reply[at + 1], reply[at + 2]) for at in range(2, len(reply), 4)]
    refused = tuple(index for index in range(len(states)) if reply[5 + 4 * index]) if reply[1] else ()
    return Verdict(reply[0], states, refused)


def _place(prefix: str, organization: str, charge: Charge, keys: list[str], places: dict[str, int]) -> int:
    """Which of KEYS a charge is about, counted from 1; added when it is not among them."""
    name = charge.subject
    if charge.kind is Kind.LEASE:
        name = f"{name}:{charge.field}"
    place = places.get(name)
    if place is None:
        keys.append(f"{prefix}:{{{organization}}}:{name}")
        place = places[name] = len(keys)
    return place
