"""A YAML file as plain data that still knows on which line everything stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import Event
from ruamel.yaml.reader import ReaderError

from hooks import ConfigError

from .yamltree import Builder, Mark, YamlPath, refusal

MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """``data`` is made of dicts with string keys, lists and scalars; an empty file is an empty dict."""

    data: Any = field(repr=False)
    file: str
    _root: Mark = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Document:
        """Raises `ConfigError` for a file that is not there, too large, not UTF-8 or not YAML."""
        try:
            with path.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise refusal(str(path), None, f"cannot be read: {error.strerror or error}") from None
        if len(raw) > MAX_BYTES:
            raise refusal(str(path), None, f"is over {MAX_BYTES} bytes")
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise refusal(str(path), raw.count(b"\n", 0, error.start) + 1, "is not UTF-8 text") from None
        return cls.parse(text, file=str(path))

    @classmethod
    def parse(cls, text: str, *, file: str) -> Document:
        """Raises `ConfigError`; what it says never quotes a value of the document."""
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise refusal(file, None, f"is over {MAX_BYTES} bytes")
        builder = Builder(file)
        for event in _events(text, file):
            builder.take(event)
        if builder.problems:
            raise ConfigError(builder.problems)
        value, mark = builder.result
        return cls(data={} if value is None else value, file=file, _root=mark)

    def line_of(self, path: YamlPath) -> int | None:
        """The 1-based line of a key or item; of its nearest ancestor when it is not in the file."""
        mark = self._root
        for step in path:
            below = mark.below.get(step)
            if below is None:
                break
            mark = below
        return mark.line


def _events(text: str, file: str) -> Iterator[Event]:
    line = 1
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            line = event.end_mark.line + 1 if event.end_mark else line
            yield event
    except ReaderError as error:
        place = text.count("\n", 0, error.position) + 1
        raise refusal(file, place, "holds a character that YAML does not allow") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        if mark and "${" in text.split("\n")[mark.line]:
            reason += "; a ${…} inside [ ] or { } must be quoted"
        raise refusal(file, mark.line + 1 if mark else None, f"is not YAML: {reason}") from None
    except (YAMLError, ValueError, OverflowError, LookupError, AttributeError, TypeError, AssertionError) as error:
        # The scanner lets these out for some malformed input (an escape over U+10FFFF, a directive cut short).
        raise refusal(file, line, f"is not YAML from here on ({type(error).__name__})") from None
