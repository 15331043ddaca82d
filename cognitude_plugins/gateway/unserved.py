"""What is answered when no provider was called: nothing left, all resting, all full, or no time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Final, Literal

from hooks import Call, Plan, Reply

Why = Literal["circuit_open", "rate_limited", "full", "retry_budget"]

_SAID: Final = {
    "circuit_open": "is left alone after failures",
    "rate_limited": "has said 429 and asked for a rest",
    "full": "has as many calls as it may",
    "retry_budget": "has been tried too often",
}


def nothing_left(plan: Plan) -> Reply:
    why = plan.reasons[-1] if plan.reasons else "the plan is empty"
    message = f"No deployment is left to call: {why}."
    return replace(Reply.error(503, message, type="server_error", code="no_deployment"), source="error")


def not_now(call: Call, passed: Sequence[tuple[str, Why, float]]) -> Reply:
    """``passed`` over were these deployments, each for so many seconds yet. The soonest is the one to come back for.

    429 where all of them have said so themselves, to other calls: it is what this one would have been told.
    """
    wait = min(seconds for _, _, seconds in passed)
    told = "; ".join(dict.fromkeys(f"{id} {_SAID[why]}" for id, why, _ in passed))
    message = f"No deployment of the model {call.model[:200]!r} takes a call just now: {told[:500]}."
    headers = {"retry-after": f"{max(1, ceil(wait))}", "retry-after-ms": f"{max(1, ceil(wait * 1000))}"}
    why = {why for _, why, _ in passed}
    if why == {"rate_limited"}:
        reply = Reply.error(429, message, type="rate_limit_error", code="provider_rate_limited", headers=headers)
    elif why <= {"rate_limited", "circuit_open"}:
        reply = Reply.error(503, message, type="server_error", code="circuit_open", headers=headers)
    else:
        reply = Reply.error(503, message, type="server_error", code="overloaded", headers=headers)
    return replace(reply, source="error")


def no_time() -> Reply:
    message = "The time that the request gave itself was over before a provider could be called."
    return replace(Reply.error(504, message, type="server_error", code="request_timeout"), source="error")
