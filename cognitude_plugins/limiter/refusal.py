"""The answers to calls that are not let through, as clients of OpenAI's API expect them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from hooks import Reply

from .budget_refusal import Why, no_budget, why_refused
from .charge import Charge, Kind, State, Verdict
from .rules import Rule, usd

LEASE_RETRY_MS: Final = 1000
"""When a call under way will end nobody knows: ask again in a second."""

_LONGEST_RETRY_MS: Final = 120_000
"""Beyond it openai-python does not wait (its MAX_RETRY_AFTER_DELAY)."""
_LONG: Final = frozenset({"day", "week", "month"})

CLOSED: Final = Reply.error(
    503,
    "The limits cannot be checked at the moment, and this gateway lets nothing through then; try again shortly.",
    type="server_error",
    code="limits_unavailable",
    headers={"retry-after": "1"},
)


def retry_ms(charge: Charge, state: State) -> int:
    """In how many milliseconds it can fit."""
    if charge.kind is Kind.LEASE:
        return LEASE_RETRY_MS
    return max(1, state.retry)


def longest(rules: Sequence[Rule], charges: Sequence[Charge], verdict: Verdict) -> tuple[int, int, Why]:
    """The refusing limit that a client waits for longest: when that one lets it through, the others do. With it in how
    many milliseconds that will be.
    """
    found = []
    for index in verdict.refused:
        why = why_refused(rules, charges, verdict, index) if rules[index].ceiling is not None else ""
        retry = LEASE_RETRY_MS if why == "reserved" else retry_ms(charges[index], verdict.states[index])
        found.append((why == "never", retry, -index, why))
    _, retry, index, why = max(found)
    return -index, retry, why


def turned_away(rule: Rule, until: int, why: Why) -> Reply:
    """Without its headers. ``until`` is when there is room, in milliseconds since 1970."""
    return no_budget(rule, until, why) if rule.ceiling is not None else too_many(rule, until)


def too_many(rule: Rule, until: int) -> Reply:
    """429, without its headers."""
    kind = {"tokens": "tokens", "cost_usd": "insufficient_quota"}.get(rule.unit, "requests")
    code = "insufficient_quota" if rule.unit == "cost_usd" else "rate_limit_exceeded"
    return Reply.error(429, _message(rule, until), type=kind, code=code)


def waiting(rule: Rule, retry: int, why: Why = "") -> dict[str, str]:
    """The headers that say when to ask again: in ``retry`` milliseconds, or not by itself at all."""
    if why == "never" or (why == "spent" and rule.per == "total"):
        return {"x-should-retry": "false"}
    waiting = {"retry-after": str(-(-retry // 1000)), "retry-after-ms": str(retry)}
    if why != "reserved" and (rule.unit == "cost_usd" or rule.per in _LONG or retry > _LONGEST_RETRY_MS):
        waiting["x-should-retry"] = "false"
    return waiting


def never_fits(rule: Rule, charge: Charge) -> Reply:
    """400: waiting would not help."""
    asked = f"{usd(charge.amount)} USD" if rule.unit == "cost_usd" else f"{charge.amount} {rule.unit}"
    message = (
        f"This request may use {asked}, more than {rule.scope} limit of {rule.shown} ever allows. "
        "Send a shorter prompt, or a lower max_tokens."
    )
    return Reply.error(400, message.replace("than ", f"than the {_article(rule)}", 1), code="request_exceeds_limit")


def _article(rule: Rule) -> str:
    return "organization's own " if rule.origin == "organization" else ""


def _message(rule: Rule, until: int) -> str:
    if rule.kind is Kind.LEASE:
        return f"Too many calls at once: the {_article(rule)}limit of this {rule.scope} is {rule.limit}."
    at = datetime.fromtimestamp(until / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    whose = "of the gateway" if rule.scope == "global" else f"of this {rule.scope}"
    what = "You exceeded your quota" if rule.unit == "cost_usd" else "Rate limit reached"
    return f"{what}: the {_article(rule)}limit {whose} is {rule.shown}. There is room again at {at} UTC."
