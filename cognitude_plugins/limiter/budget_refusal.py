"""Why a budget has no room for a call, and what its client is told then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from hooks import Reply

from .charge import UNLIMITED, Charge, Verdict
from .rules import Rule

Why = Literal["", "spent", "reserved", "never"]
"""Of a budget: it is spent; what is left of it is held by calls under way; the whole of it would not be enough."""


def why_refused(rules: Sequence[Rule], charges: Sequence[Charge], verdict: Verdict, index: int) -> Why:
    """Of a budget's rule. Behind the charges of the rules are those that count what was spent, in the same order."""
    charge = charges[index]
    whole = charge.limit - charge.beyond
    if charge.needed > whole:
        return "never"
    budgets = sum(rule.ceiling is not None for rule in rules)
    spent = UNLIMITED - verdict.states[index + budgets].remaining
    return "reserved" if spent + charge.needed <= whole else "spent"


def no_budget(rule: Rule, until: int, why: Why) -> Reply:
    """402 or 429, without its headers. ``until`` is when the budget begins anew, in milliseconds since 1970."""
    ceiling = rule.ceiling
    if ceiling is None:
        raise ValueError(f"{rule.shown} is no budget")
    name = f"budget {ceiling.name!r}" if ceiling.name else f"budget of this {ceiling.scope}"
    if why == "reserved":
        message = f"Calls under way may use what is left of the {name} ({rule.shown}). Try again in a moment."
        # Not insufficient_quota: clients take that for something that does not pass.
        return Reply.error(429, message, type="requests", code="budget_reserved")
    if why == "never":
        message = (
            f"This request may cost more than the whole {name} ({rule.shown}). "
            "Send a shorter prompt, or a lower max_tokens."
        )
    else:
        message = f"The {name} ({rule.shown}) has no room for this request.{_anew(rule, until)}"
    return Reply.error(ceiling.status, message, type="insufficient_quota", code="budget_exceeded")


def _anew(rule: Rule, until: int) -> str:
    if rule.per == "total":
        return ""
    return f" It begins anew at {datetime.fromtimestamp(until / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC."
