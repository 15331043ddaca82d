"""A JSON body that stays bytes until someone looks into it, and is encoded again only after a change."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple, NoReturn

from .frozen import freeze
from .usage import Usage


class Codec(NamedTuple):
    """How JSON is read and written. The gateway lends a faster one; the standard library's is the default."""

    loads: Callable[[bytes], Any]
    dumps: Callable[[Any], bytes]


def _dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _loads(raw: bytes) -> Any:
    try:
        return json.loads(raw, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


STANDARD_CODEC: Final = Codec(_loads, _dumps)
_MISSING: Final = object()


class Payload:
    """Bytes, a value, or both, each made from the other on first use and kept.

    ``raw`` is what goes over the wire: exactly the bytes that came in as long as nobody replaced the value.
    ``value`` is read-only (see `hooks.frozen`). ``peek()`` is the same value without the freezing, for code that only
    reads. Bytes that are not JSON raise ``ValueError`` from ``value`` and ``peek()``. Who knows what the body reports
    gives it as ``usage``: the bytes are then not read for it.
    """

    __slots__ = ("_codec", "_raw", "_usage", "_value")

    def __init__(
        self,
        raw: bytes | None = None,
        value: Any = _MISSING,
        codec: Codec = STANDARD_CODEC,
        *,
        usage: Usage | None = None,
    ) -> None:
        if raw is None and value is _MISSING:
            raise TypeError("a Payload needs raw bytes, a value, or both that agree")
        self._raw = raw
        self._value = value
        self._codec = codec
        self._usage = usage

    @property
    def raw(self) -> bytes:
        if self._raw is None:
            self._raw = self._codec.dumps(self._value)
        return self._raw

    @property
    def value(self) -> Any:
        self._value = freeze(self.peek())
        return self._value

    def peek(self) -> Any:
        if self._value is _MISSING:
            self._value = self._codec.loads(self._raw or b"")
        return self._value

    @property
    def usage(self) -> Usage | None:
        """What the body, an answer, reports (`Usage.of`); None where it does not, or is not JSON."""
        if self._usage is None:
            try:
                self._usage = Usage.of(self.peek())
            except ValueError:
                return None
        return self._usage

    def replace(self, value: Any) -> Payload:
        """A payload with another value, read and written by the same codec."""
        return Payload(value=value, codec=self._codec)

    @property
    def codec(self) -> Codec:
        return self._codec

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Payload):
            return NotImplemented
        if self._raw is not None and self._raw == other._raw:
            return True
        try:
            return bool(self.peek() == other.peek())
        except ValueError:
            return False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """The size only: a body is somebody's prompt and belongs in no log."""
        size = "?" if self._raw is None else len(self._raw)
        return f"Payload({size} bytes)"
