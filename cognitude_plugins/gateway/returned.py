"""What a hook may return: checked as soon as it is returned, so that a failure still has its plugin's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hooks import Call, Payload, Plan, Reply

_RETURNS: Final[dict[str, tuple[type, ...]]] = {
    "pre_request": (Call, Reply),
    "route": (Plan, Reply),
    "post_response": (Reply,),
}


class WrongReturn(TypeError):
    """A hook returned what its stage does not know, or what cannot be sent."""


def check_kind(stage: str, result: object) -> None:
    """Raises `WrongReturn` unless ``result`` is of a type that the stage allows."""
    if not isinstance(result, _RETURNS[stage]):
        allowed = " or ".join(kind.__name__ for kind in _RETURNS[stage])
        raise WrongReturn(f"{stage} returned {type(result).__name__}; a {allowed}, or None for no change, is expected")


def check_call(before: Call, after: Call) -> None:
    """Raises `WrongReturn` for a call whose new body is no JSON object. A body is encoded here, once."""
    if after.payload is not before.payload:
        if not isinstance(_value(after.payload), Mapping):
            raise WrongReturn("the body of the call it returned is not a JSON object")
        check_encodable(after.payload)


def check_plan(before: Plan, after: Plan) -> None:
    """Raises `WrongReturn` unless ``after`` only narrows or reorders ``before``, naming what was added."""
    added = [deployment.id for deployment in after.deployments if deployment not in before.deployments]
    if added:
        raise WrongReturn(f"route may only narrow or reorder the plan; it added {', '.join(added)}")
    if len(set(after.deployments)) < len(after.deployments):
        raise WrongReturn("route may only narrow or reorder the plan; it repeated a deployment")
    if not all(isinstance(reason, str) for reason in after.reasons):
        raise WrongReturn("route gave a reason that is not a string")


def check_reply(before: Reply, after: Reply) -> None:
    """Raises `WrongReturn` for a reply that could not be put on the wire."""
    status = after.status
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise WrongReturn(f"the status of a reply is a number from 200 to 599, not {status!r}")
    for name, value in after.headers.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise WrongReturn(f"the header {name!r} of the reply is {type(value).__name__}; a string is expected")
    if after.chunks is not None and not hasattr(after.chunks, "__anext__"):
        raise WrongReturn(f"the chunks of the reply are {type(after.chunks).__name__}, not an asynchronous iterator")
    if after.payload is not None and after.payload is not before.payload:
        check_encodable(after.payload)


def check_encodable(payload: Payload) -> None:
    try:
        _ = payload.raw
    except TypeError as error:
        raise WrongReturn(f"the body it returned cannot be encoded: {error}") from error


def _value(payload: Payload) -> object:
    try:
        return payload.peek()
    except ValueError:
        return None


def describe(before: Call | Plan | Reply, after: Call | Plan | Reply) -> str:
    """A change in words, without any value of a body or reason: it is shown in the public ``/health``."""
    if isinstance(after, Call) and isinstance(before, Call):
        old, new = before.payload.peek(), after.payload.peek()
        names = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        return f"change {', '.join(names)}" if names else "change the call"
    if isinstance(after, Plan):
        return f"try {', '.join(item.id for item in after.deployments) or 'nothing'}"
    if isinstance(after, Reply) and isinstance(before, Reply):
        same = before.status == after.status
        return "change the answer" if same else f"turn {before.status} into {after.status}"
    return f"answer with {after.status}" if isinstance(after, Reply) else "change the call"
