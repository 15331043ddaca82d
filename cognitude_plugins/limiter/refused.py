"""What was refused a moment ago is refused again without asking: until there can be room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hooks import Reply

from .budget_refusal import Why
from .charge import Charge, Kind, Verdict
from .headers import rate_limit_headers
from .refusal import turned_away, waiting
from .rules import Rule

_REFUNDED_MS: Final = 250
"""Limits to which calls give back what they did not use can have room sooner than was said."""
_MOST_KEPT: Final = 50_000


@dataclass(slots=True, kw_only=True)
class Refusal:
    """``rule`` refused an ``amount``, and ``why`` if it is a budget's. There is room for it at ``until`` (milliseconds
    since 1970) if nobody else takes it. From ``asked_again`` on it is asked again: others may give back what they did
    not use, and what was found in other limits then is true no longer than their windows last.
    """

    rule: Rule
    amount: int
    until: int
    asked_again: int
    rules: tuple[Rule, ...]
    charges: Sequence[Charge]
    verdict: Verdict
    why: Why = ""
    source: str = ""
    _bare: Reply | None = field(default=None, init=False, repr=False)
    _last: tuple[int, Sequence[Charge], Reply] = field(default=(0, (), Reply()), init=False, repr=False)

    def answer(self, charges: Sequence[Charge], now: int) -> Reply:
        """The refusal of a call with these charges. Those that come in the same millisecond get the same."""
        at, to, reply = self._last
        if at != now or to is not charges:
            if self._bare is None:
                self._bare = replace(turned_away(self.rule, self.until, self.why), source=self.source)
            rules, verdict = self.shared_with(charges)
            headers = rate_limit_headers(rules, verdict._replace(now=now))
            headers.update(waiting(self.rule, max(1, self.until - now), self.why))
            reply = self._bare.with_headers(headers)
            self._last = now, charges, reply
        return reply

    def shared_with(self, charges: Sequence[Charge]) -> tuple[tuple[Rule, ...], Verdict]:
        """Of what was found then, what a call with these charges has in common: another user's counters are not."""
        if charges is self.charges:
            return self.rules, self.verdict
        names = {(charge.subject, charge.field) for charge in charges}
        kept = [at for at in range(len(self.rules)) if (self.charges[at].subject, self.charges[at].field) in names]
        states = [self.verdict.states[at] for at in kept]
        return tuple(self.rules[at] for at in kept), Verdict(self.verdict.now, states)


class Refused:
    """Of one process. ``now`` is always the time by which the limits are kept, in milliseconds.

    ``source`` is what the answers are stamped with: the plugin's name.
    """

    def __init__(self, source: str = "") -> None:
        self._source = source
        self._kept: dict[tuple[str, str, str], Refusal] = {}

    def __bool__(self) -> bool:
        return bool(self._kept)

    def forget(self) -> None:
        """Limits were changed or reset."""
        self._kept = {}

    def note(
        self,
        tag: str,
        rules: tuple[Rule, ...],
        charges: Sequence[Charge],
        verdict: Verdict,
        index: int,
        retry: int,
        why: Why = "",
    ) -> Refusal:
        """Keep that the charge ``index`` was refused, if it is known until when."""
        charge, rule = charges[index], rules[index]
        until = verdict.now + retry
        moments = [until, *(state.reset for state in verdict.states if state.reset > verdict.now)]
        if rule.unit != "requests":
            moments.append(verdict.now + _REFUNDED_MS)
        refusal = Refusal(
            rule=rule,
            amount=charge.needed,
            until=until,
            asked_again=min(moments),
            rules=rules,
            charges=charges,
            verdict=verdict,
            why=why,
            source=self._source,
        )
        if charge.kind is not Kind.LEASE and retry > 1:
            if len(self._kept) >= _MOST_KEPT:
                self._kept = {}
            self._kept[tag, charge.subject, charge.field] = refusal
        return refusal

    def find(self, tag: str, charges: Sequence[Charge], now: int) -> Refusal | None:
        """The refusal that holds for one of these charges, if there is one."""
        for charge in charges:
            found = self._kept.get((tag, charge.subject, charge.field))
            if found is None:
                continue
            if now >= found.asked_again:
                del self._kept[tag, charge.subject, charge.field]
            elif charge.needed >= found.amount:
                return found
        return None
