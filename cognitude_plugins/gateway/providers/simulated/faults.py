"""What can go wrong with a simulated call, how it is written, and which calls it strikes.

A fault is written ``kind[=value][@place][:rate|xcount]``; several are separated by commas.

- ``refuse``: the connection is closed before a head.
- ``reset@n``: after n events of a stream (default 2), or in the middle of a whole body, the connection is reset.
- ``stall@n``: from the same place on nothing more comes, and nothing ends.
- ``slow_head=seconds``: the head takes this much longer (default 5).
- ``malformed@n``: an event that is no JSON after n events; a whole body is cut short, its length agreeing.
- ``wrong_type``: an HTML page with status 200.
- ``endless``: the stream repeats itself and never ends; a whole body is blanks without end.
- ``no_usage``: the answer does not say what it used.
- ``context_length``: 400 with code ``context_length_exceeded``.
- ``400`` to ``599``: that status in an error envelope. ``429=seconds`` says retry-after (default 1), ``429_bare``
  says none.

``503:0.1`` strikes one call in ten, drawn from a seeded generator; ``429x5`` the first five calls; without either
every call. ``@place`` counts events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from random import Random
from typing import Final

PLACED: Final = {"reset": 2, "stall": 2, "malformed": 2}
"""The kinds that take ``@place``, with their default."""

VALUED: Final = {"slow_head": 5.0, "429": 1.0}
"""The kinds that take ``=value``, in seconds, with their default."""

KINDS: Final = (*PLACED, "slow_head", "refuse", "wrong_type", "endless", "no_usage", "context_length", "429_bare")

_SPEC: Final = re.compile(
    r"(?P<kind>[a-z_]+|\d+(?:_bare)?)(?:=(?P<value>\d+(?:\.\d+)?))?(?:@(?P<place>\d+))?"
    r"(?::(?P<rate>\d*\.?\d+)|x(?P<count>\d+))?",
    re.ASCII,
)
_REMEMBERED: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, parsed. ``rate`` and ``count`` both None: every call."""

    text: str
    kind: str
    value: float = 0.0
    place: int = 0
    rate: float | None = None
    count: int | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status, of a fault that is one."""
        return int(self.kind[:3]) if self.kind[0].isdigit() else None


def parse_faults(specs: str | Iterable[str]) -> tuple[Fault, ...]:
    """All of a comma-separated text, or of several. Raises ``ValueError`` for the first that is wrong."""
    texts = [specs] if isinstance(specs, str) else list(specs)
    return tuple(parse_fault(part) for text in texts for part in str(text).split(",") if part.strip())


def parse_fault(text: str) -> Fault:
    text = text.strip()
    match = _SPEC.fullmatch(text)
    if match is None:
        raise ValueError(f"fault {text!r} is not of the form kind[=value][@place][:rate|xcount], like 'reset@3:0.5'")
    kind = match["kind"]
    _check_kind(text, kind)
    for sign, name, kinds in (("=", "value", VALUED), ("@", "place", PLACED)):
        if match[name] is not None and kind not in kinds:
            raise ValueError(f"fault {text!r}: {kind} takes no {sign}{name}; {', '.join(kinds)} do")
    rate = float(match["rate"]) if match["rate"] else None
    if rate is not None and not 0 < rate <= 1:
        raise ValueError(f"fault {text!r}: the rate {rate:g} is not above 0 and at most 1")
    if match["count"] and int(match["count"]) == 0:
        raise ValueError(f"fault {text!r}: the count 0 is never; leave the fault out")
    return Fault(
        text=text,
        kind=kind,
        value=float(match["value"] or VALUED.get(kind, 0.0)),
        place=int(match["place"] or PLACED.get(kind, 0)),
        rate=rate,
        count=int(match["count"]) if match["count"] else None,
    )


def _check_kind(text: str, kind: str) -> None:
    if kind in KINDS or (kind.isdigit() and 400 <= int(kind) <= 599):
        return
    near = get_close_matches(kind, KINDS, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(KINDS)} and the statuses 400 to 599"
    raise ValueError(f"fault {text!r}: {kind!r} is not a kind of fault; {hint}")


class Dice:
    """Decides which calls a fault strikes. The same seed and the same order of calls give the same decisions."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._struck: dict[str, int] = {}
        self._random: dict[str, Random] = {}

    def strike(self, faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
        """Those that strike this call, in their order."""
        return tuple(fault for fault in faults if self._strikes(fault)) if faults else ()

    def _strikes(self, fault: Fault) -> bool:
        if fault.rate is not None:
            if fault.text not in self._random:
                _make_room(self._random)
                self._random[fault.text] = Random(f"{self._seed}:{fault.text}")
            return self._random[fault.text].random() < fault.rate
        if fault.count is not None:
            struck = self._struck.pop(fault.text, 0)
            _make_room(self._struck)
            self._struck[fault.text] = struck + 1
            return struck < fault.count
        return True


def _make_room(memory: dict[str, int] | dict[str, Random]) -> None:
    """Request headers can name any number of faults; the one not heard of for longest is forgotten."""
    if len(memory) >= _REMEMBERED:
        del memory[next(iter(memory))]
