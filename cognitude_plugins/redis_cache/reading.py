"""What can be read out of an answer on its way up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hooks import Reply, Usage
from hooks.sse import Splitter, decode
from hooks.stream import Change

from .answers import COALESCED


def failure(reply: Reply) -> Reply | None:
    """What others may be told too: where a provider was asked and has failed."""
    if not reply.attempts or reply.payload is None:
        return None
    return Reply(status=reply.status, headers=COALESCED, payload=reply.payload)


def unchanged(reply: Reply) -> bytes | None:
    """A whole answer as it will be sent from here on, byte for byte; None of a stream, and where a plugin behind this
    one has yet to change it.
    """
    if reply.payload is None or any(isinstance(layer, Change) for layer in reply.layers):
        return None
    return reply.payload.raw


def value(reply: Reply) -> Any:
    try:
        return None if reply.payload is None else reply.payload.peek()
    except ValueError:
        return None


def usage(chunks: Sequence[bytes]) -> Usage | None:
    """The last that a stream reports."""
    splitter = Splitter()
    found = [Usage.of(decode(event)) for event in splitter.feed(b"".join(chunks)) if b'"usage"' in event]
    return next((one for one in reversed(found) if one is not None), None)
