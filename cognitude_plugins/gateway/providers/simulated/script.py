"""What is sent for one call, byte for byte, after the faults that strike it had their way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, cycle, islice, repeat
from math import ceil
from typing import Any, Literal

from cognitude_plugins.gateway.codec import CODEC
from hooks.sse import DONE, encode

from .answer import Answer
from .faults import Fault

Head = tuple[tuple[bytes, bytes], ...]

_JSON: Head = ((b"content-type", b"application/json"),)
_EVENTS: Head = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))
_PAGE = b"<!doctype html><title>Welcome</title><p>This is not the API.</p>\n"
_MALFORMED = b'data: {"id": "chatcmpl-broken", "choices": [{"delta": \n\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """``parts`` are sent one by one, the first ``paced`` of them with the chunk's pause before each but the first.

    ``ending``: ``complete``, ``reset`` (the connection breaks off) or ``stall`` (nothing more, and no end).
    """

    status: int = 200
    headers: Head
    parts: Iterable[bytes]
    paced: float = 0
    ending: Literal["complete", "reset", "stall"] = "complete"
    streamed: bool = False


def script_of(answer: Answer) -> Script:
    """The answer encoded, once and for all calls that get it."""
    if answer.body is not None:
        return whole(200, answer.body)
    parts = (*(encode(event, CODEC) for event in answer.events), DONE)
    return Script(headers=_EVENTS, parts=parts, paced=answer.paced, streamed=True)


def whole(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Script:
    extra = tuple((name.encode(), value.encode()) for name, value in (headers or {}).items())
    return _of_bytes(status, (*_JSON, *extra), CODEC.dumps(body))


def envelope(
    status: int,
    message: str,
    *,
    type: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Script:
    """An error as OpenAI's API writes it."""
    return whole(status, {"error": {"message": message, "type": type, "param": param, "code": code}}, headers)


def instead(faults: Sequence[Fault]) -> Script | None:
    """What the first fault that replaces the answer as a whole says; None when there is none."""
    for fault in faults:
        if fault.status is not None:
            return _status(fault.status, fault)
        if fault.kind == "wrong_type":
            return _of_bytes(200, ((b"content-type", b"text/html; charset=utf-8"),), _PAGE)
        if fault.kind == "context_length":
            said = "This model's maximum context length is 8192 tokens. Please reduce the length of the messages."
            return envelope(400, said, param="messages", code="context_length_exceeded")
    return None


def without_usage(answer: Answer) -> Answer:
    if answer.body is not None:
        return replace(answer, body={key: value for key, value in answer.body.items() if key != "usage"})
    return replace(answer, events=[event for event in answer.events if event["choices"]])


def damaged(script: Script, faults: Sequence[Fault]) -> Script:
    """The script with what the faults do to the answer's middle."""
    for fault in faults:
        change = _DAMAGE.get(fault.kind)
        if change is not None:
            script = change(script, fault)
    return script


def _of_bytes(status: int, headers: Head, raw: bytes) -> Script:
    return Script(status=status, headers=(*headers, (b"content-length", b"%d" % len(raw))), parts=(raw,))


def _status(status: int, fault: Fault) -> Script:
    if status != 429:
        said = f"The simulated model was told to answer {status}."
        return envelope(status, said, type="server_error" if status >= 500 else "invalid_request_error")
    wait = {"retry-after": f"{ceil(fault.value)}", "retry-after-ms": f"{fault.value * 1000:g}"}
    headers = {} if fault.kind == "429_bare" else wait
    said = "Rate limit reached for requests. Please try again later."
    return envelope(429, said, type="requests", code="rate_limit_exceeded", headers=headers)


def _malformed(script: Script, fault: Fault) -> Script:
    parts = tuple(script.parts)
    if script.streamed:
        broken = (*parts[: fault.place], _MALFORMED, *parts[fault.place :])
        return replace(script, parts=broken, paced=script.paced + 1)
    raw = parts[0][: len(parts[0]) // 2]
    return replace(script, headers=(*_JSON, (b"content-length", b"%d" % len(raw))), parts=(raw,))


def _endless(script: Script, fault: Fault) -> Script:
    if script.streamed:
        told = tuple(script.parts)[: int(script.paced)]
        return replace(script, parts=chain(told, cycle(told[1:] or told)), paced=float("inf"))
    return replace(script, headers=_JSON, parts=repeat(b" "), paced=float("inf"))


def _cut(script: Script, fault: Fault) -> Script:
    if script.ending != "complete":
        return script
    if script.streamed:
        kept = tuple(islice(script.parts, fault.place))
    else:
        kept = tuple(part[: (len(part) + 1) // 2] for part in islice(script.parts, 1))
    return replace(script, parts=kept, ending="reset" if fault.kind == "reset" else "stall")


_DAMAGE: Mapping[str, Callable[[Script, Fault], Script]] = {
    "malformed": _malformed,
    "endless": _endless,
    "reset": _cut,
    "stall": _cut,
}
