"""The layers of a reply, applied: changes to a body or to each event of a stream, and what watchers saw of it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, cast

from .assemble import assemble
from .frozen import freeze
from .payload import STANDARD_CODEC, Codec, Payload
from .sse import DONE, Splitter, data_of, decode, encode, name_of

DROP: Final = object()
"""Returned by a change: leave this event out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """See `Reply.map`."""

    change: Callable[[Any], Any]
    end: Callable[[], Iterable[Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """See `Reply.through`."""

    wrap: Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """See `Reply.on_complete`. ``watcher`` is called with an `Outcome`."""

    watcher: Callable[..., Any]


Layer = Change | Through | Watch


async def encoded(events: AsyncIterable[Mapping[str, Any]], codec: Codec = STANDARD_CODEC) -> AsyncIterator[bytes]:
    """Values as server-sent events, ``[DONE]`` last."""
    try:
        async for event in events:
            yield encode(event, codec)
        yield DONE
    finally:
        await _close(events)


def change_body(payload: Payload, layers: Sequence[Layer]) -> Payload:
    """A whole answer with every change applied; the same object when nothing changed or it is not JSON."""
    for layer in layers:
        if isinstance(layer, Change):
            try:
                value = payload.value
            except ValueError:
                return payload
            changed = layer.change(value)
            if changed is not None and changed is not DROP:
                payload = payload.replace(changed)
    return payload


class Recorder:
    """Keeps the bytes a watcher will want to look at, up to a limit, and puts them together when asked."""

    __slots__ = ("_codec", "_limit", "chunks", "size")

    def __init__(self, codec: Codec = STANDARD_CODEC, limit: int = 16 * 1024 * 1024) -> None:
        self.chunks: list[bytes] = []
        self.size = 0
        self._codec = codec
        self._limit = limit

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size <= self._limit:
            self.chunks.append(chunk)

    def assemble(self) -> Any:
        """The answer as one JSON value; None when nothing was relayed, or more than is kept: a part is no answer."""
        if self.size > self._limit:
            return None
        splitter = Splitter(self._limit)
        events = splitter.feed(b"".join(self.chunks))
        rest = splitter.flush()
        values = (decode(event, self._codec) for event in [*events, rest])
        return assemble([value for value in values if isinstance(value, dict)])


def render(
    chunks: AsyncIterator[bytes],
    layers: Sequence[Layer],
    codec: Codec = STANDARD_CODEC,
    recorders: Mapping[int, Recorder] | None = None,
) -> AsyncIterator[bytes]:
    """The stream with its layers applied.

    ``recorders``, by index in ``layers``, get what passes at a watcher's place.
    """
    run: list[Change] = []
    for index, layer in enumerate(layers):
        if isinstance(layer, Change):
            run.append(layer)
            continue
        if run:
            chunks, run = _changed(chunks, tuple(run), codec), []
        if isinstance(layer, Through):
            chunks = layer.wrap(chunks)
        elif recorders and index in recorders:
            chunks = _recorded(chunks, recorders[index])
    return _changed(chunks, tuple(run), codec) if run else chunks


async def _recorded(chunks: AsyncIterator[bytes], recorder: Recorder) -> AsyncIterator[bytes]:
    async with aclosing(cast(Any, chunks)):
        async for chunk in chunks:
            recorder.add(chunk)
            yield chunk


async def _changed(chunks: AsyncIterator[bytes], changes: tuple[Change, ...], codec: Codec) -> AsyncIterator[bytes]:
    splitter = Splitter()
    rewriter = _Rewriter(changes, codec)
    async with aclosing(cast(Any, chunks)):
        async for chunk in chunks:
            if out := b"".join([rewriter.rewrite(event) for event in splitter.feed(chunk)]):
                yield out
        if out := rewriter.finish(splitter.flush()):
            yield out


class _Rewriter:
    """The changes of one stream, and how far it has come.

    Where a stream names its events (``event:`` lines), each event that a change made is named by its ``type``, as the
    responses and messages APIs have it; one without a type keeps the name of the event it was made of.
    """

    __slots__ = ("_changes", "_codec", "_ended", "_name")

    def __init__(self, changes: Sequence[Change], codec: Codec) -> None:
        self._changes = changes
        self._codec = codec
        self._name: bytes | None = None
        self._ended = False

    def rewrite(self, event: bytes) -> bytes:
        if data_of(event) == b"[DONE]":
            return self._endings() + event
        value = decode(event, self._codec)
        if not isinstance(value, (dict, list)):
            return event
        values, touched = _apply([value], self._changes)
        self._name = name_of(event)
        return self._encoded(values) if touched else event

    def finish(self, rest: bytes) -> bytes:
        """The last bytes: ``rest`` came without its blank line, which it needs where something follows."""
        last = self.rewrite(rest) if rest else b""
        endings = self._endings()
        if last and endings and not last.endswith((b"\n\n", b"\r\r", b"\r\n\r\n")):
            last += b"\n\n"
        return last + endings

    def _endings(self) -> bytes:
        """What each change held back, handed through the changes behind it; asked once."""
        if self._ended:
            return b""
        self._ended = True
        out: list[Any] = []
        for index, layer in enumerate(self._changes):
            if layer.end is not None:
                out += _apply(list(layer.end()), self._changes[index + 1 :])[0]
        return self._encoded(out)

    def _encoded(self, values: Sequence[Any]) -> bytes:
        return b"".join([encode(value, self._codec, self._named(value)) for value in values])

    def _named(self, value: Any) -> bytes | None:
        if self._name is None or not isinstance(value, Mapping):
            return self._name
        kind = value.get("type")
        return kind.encode() if isinstance(kind, str) and kind.isprintable() else self._name


def _apply(values: list[Any], changes: Sequence[Change]) -> tuple[list[Any], bool]:
    touched = False
    for layer in changes:
        after: list[Any] = []
        for value in values:
            changed = layer.change(freeze(value))
            if changed is None:
                after.append(value)
                continue
            touched = True
            if changed is not DROP:
                after.extend(changed if isinstance(changed, list) else [changed])
        values = after
    return values, touched


async def _close(events: object) -> None:
    aclose = getattr(events, "aclose", None)
    if aclose is not None:
        await aclose()


async def read(source: Payload | AsyncIterator[bytes] | None, layers: Sequence[Layer] = ()) -> Any:
    """A payload's value, or a stream read to its end and put together, with all layers but the watchers applied."""
    if source is None:
        return None
    if isinstance(source, Payload):
        return change_body(source, layers).value
    recorder = Recorder()
    chunks = render(source, layers)
    async with aclosing(cast(Any, chunks)):
        async for chunk in chunks:
            recorder.add(chunk)
    return recorder.assemble()
