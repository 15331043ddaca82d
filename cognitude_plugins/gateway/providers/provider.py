"""What every way to a model has in common: a target, a send, and two ways to fail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from cognitude_plugins.gateway.care import Care
from hooks import Call, Deployment, Reply

_CARRIES_A_SECRET: Final = re.compile(
    r"auth|key|(?<!max_)token(?!s)|secret|password|credential|cookie|client_id|tenant|aws_(profile|role)"
    r"|openai-(organization|project)|^organization$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. ``total`` bounds a call with all its attempts; the others one attempt. ``first_token`` is of streams."""

    connect: float = 5.0
    first_token: float = 60.0
    between_chunks: float = 60.0
    total: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A deployment with what is needed to call it: nothing of this ever leaves the core.

    ``base_url`` ends without a slash and includes the API's prefix (``https://api.openai.com/v1``). ``api_key`` is sent
    to that host only. ``headers`` and ``options`` come from the model's entry, never from a request.

    ``owner`` is the organization whose own credential this is, empty for the gateway's. ``guarded``: it has also named
    the address, so that connections go to permitted addresses only.
    """

    deployment: Deployment
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    care: Care = field(default_factory=Care)
    owner: str = ""
    guarded: bool = False

    def secrets(self) -> Iterator[str]:
        """What is sent to the provider and must not come back in what it says of an error."""
        if self.api_key is not None:
            yield self.api_key
        yield from self.headers.values()
        for name, value in self.options.items():
            if name == "query" and isinstance(value, Mapping):
                yield from (str(one) for one in value.values())
            elif isinstance(value, str) and carries_a_secret(name):
                yield value


def carries_a_secret(name: str) -> bool:
    """Whether a header, a parameter or an option of this name may authorise, or says whose account it is."""
    return _CARRIES_A_SECRET.search(name) is not None


def patience(call: Call, timeouts: Timeouts) -> float:
    """Seconds to wait for the first byte: of a whole answer it comes when the last token is made, so ``total``."""
    return timeouts.first_token if call.stream else timeouts.total


class ProviderError(Exception):
    """An attempt that failed before the first byte.

    ``reply`` is what the client gets when no other deployment answers; ``retryable`` says that another may be tried
    (connect errors, timeouts, 408, 429, 5xx); ``reason`` is a short word for logs and the ledger: ``connect``,
    ``timeout``, ``reset``, ``malformed``, ``status_503``, ….
    """

    def __init__(self, reason: str, reply: Reply, *, retryable: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply
        self.retryable = retryable


class Broke(Exception):
    """Raised out of a reply's ``chunks``: the provider broke off after the first byte. ``str()`` is the reason."""


class Provider(Protocol):
    """One kind of transport. Built without I/O; ``start`` and ``stop`` are called in the gateway's lifespan."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Reply:
        """One attempt. ``body`` is the JSON to send, its model already the upstream's name.

        ``headers`` are the few request headers that are continued (``traceparent``). Returns the answer, whole
        (``payload``) or streamed (``chunks``, the first of them already received), with ``status`` and the upstream's
        ``retry-after`` headers; any 4xx that is the client's own fault is such an answer. Raises `ProviderError` before
        the first byte, and `Broke` from ``chunks`` after it. Cancelling it, or closing ``chunks``, closes the upstream
        within a second.
        """
        ...
