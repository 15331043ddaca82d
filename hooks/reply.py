"""What goes back to the client, whole or streamed, and what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from .payload import Payload
from .plan import Deployment
from .stream import Change, Layer, Through, Watch, encoded
from .stream import read as _read
from .usage import Usage as Usage

Watcher: TypeAlias = Callable[["Outcome"], Awaitable[None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a plugin in ``mode: shadow`` would have done: the plugin's name, the stage, and the change in words."""

    plugin: str
    stage: str
    would: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a reply, told once, after the last byte.

    ``complete`` is False when the client hung up or the provider broke off; ``error`` then says which
    (``client_disconnect``, ``provider_error``, ``plugin_error``, ``shutdown``). ``drained`` is True when the client had
    left and the answer was read to its end all the same. ``seconds`` is from the request's arrival to the last byte,
    ``time_to_first_token`` to the first byte of the answer or None. ``usage`` and ``cost_nano_usd`` (billionths of a
    dollar) are None when not known: unknown is not zero.
    """

    status: int
    source: str
    complete: bool
    error: str | None = None
    drained: bool = False
    usage: Usage | None = None
    cost_nano_usd: int | None = None
    seconds: float = 0.0
    time_to_first_token: float | None = None
    deployment: Deployment | None = None
    attempts: int = 0
    reasons: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    assemble: Callable[[], Any] = field(default=lambda: None, repr=False, compare=False)

    @property
    def body(self) -> Any:
        """The answer as one JSON value, as it was where the watcher was registered; of a stream, its events joined.

        None when nothing was relayed, the answer is not JSON, or a stream was over 16 MiB. Made on first use.
        """
        return self.assemble()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer on its way up the pipeline: a ``payload``, or ``chunks`` of server-sent events.

    ``source`` says who wrote it: ``provider``, ``error`` (the gateway itself), or the name of the plugin that answered;
    the core stamps it. ``deployment`` and ``attempts`` tell of the provider call, if there was one.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: Payload | None = None
    chunks: AsyncIterator[bytes] | None = field(default=None, repr=False, compare=False)
    source: str = ""
    deployment: Deployment | None = None
    attempts: int = 0
    layers: tuple[Layer, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def json(cls, value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """A whole answer with this JSON body."""
        return cls(status=status, headers=headers or {}, payload=Payload(value=value))

    @classmethod
    def error(
        cls,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """An answer in the OpenAI error envelope; the SDKs choose their exception class by ``status``."""
        envelope = {"error": {"message": message, "type": type, "param": param, "code": code}}
        return cls.json(envelope, status=status, headers=headers)

    @classmethod
    def stream(cls, events: AsyncIterable[Mapping[str, Any]], *, headers: Mapping[str, str] | None = None) -> Reply:
        """A streamed answer: each value becomes one event, ``[DONE]`` is added at the end."""
        return cls(headers=headers or {}, chunks=encoded(events))

    def with_headers(self, headers: Mapping[str, str]) -> Reply:
        """This reply with these headers beside its own, and in the place of those of the same name."""
        return Reply(
            status=self.status,
            headers={**self.headers, **headers} if self.headers else headers,
            payload=self.payload,
            chunks=self.chunks,
            source=self.source,
            deployment=self.deployment,
            attempts=self.attempts,
            layers=self.layers,
        )

    @property
    def body(self) -> Any:
        """The whole answer's JSON value, read-only, without pending changes; None for a stream or what is not JSON."""
        if self.payload is None:
            return None
        try:
            return self.payload.value
        except ValueError:
            return None

    @property
    def streamed(self) -> bool:
        return self.chunks is not None

    def map(
        self,
        change: Callable[[Any], Any],
        *,
        end: Callable[[], Iterable[Any]] | None = None,
    ) -> Reply:
        """This reply with ``change`` applied to the body, or of a stream to each event.

        ``change`` gets the parsed JSON value, read-only, and returns a new one, or None to leave it alone; of a stream
        also `DROP` to leave the event out, or a list for several events. ``end`` is asked once after the last event for
        events still to send (what ``change`` held back). ``[DONE]`` and comments pass by. Applied while the answer is
        sent, in the order of registration.
        """
        return replace(self, layers=(*self.layers, Change(change=change, end=end)))

    def on_complete(self, watcher: Watcher) -> Reply:
        """This reply with a watcher: called exactly once, after the last byte, whatever happens to client or provider.

        The answer it sees is the one at this point of the pipeline: changes registered later are not in it.
        """
        return replace(self, layers=(*self.layers, Watch(watcher=watcher)))

    def through(self, wrap: Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]) -> Reply:
        """This stream handed through a generator that may record, hold back, end or replace it.

        ``wrap`` gets the events as they are at this point and must close what it was given when it is closed itself
        (``async with contextlib.aclosing(chunks)``). Raises ``TypeError`` for a reply that is not a stream.
        """
        if self.chunks is None:
            raise TypeError("a whole reply has no chunks to hand through; use reply.map")
        return replace(self, layers=(*self.layers, Through(wrap=wrap)))


async def read(reply: Reply) -> Any:
    """The answer as one JSON value, its changes applied; a stream is read to its end and put together.

    For tests and for plugins that make calls of their own. Watchers are not called: that is the responder's.
    """
    return await _read(reply.chunks if reply.streamed else reply.payload, reply.layers)
