"""The events of a YAML document put together into plain data, with the line of every key and item.

Without recursion and with bounds, so that a hostile file costs a bounded amount of time and memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from hooks import ConfigError, Problem

from .scalar import scalar

Step = str | int
YamlPath = tuple[Step, ...]

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 100_000
"""Values in a document, aliases counted as often as they are used."""

_STR_TAG: Final = "tag:yaml.org,2002:str"


def path_text(path: YamlPath) -> str:
    """``("models", 1, "provider")`` as ``models[1].provider``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


@dataclass(frozen=True, slots=True)
class Mark:
    """The line of a key or item, 1-based, and of what is below it."""

    line: int
    below: dict[Step, Mark] = field(default_factory=dict)


def refusal(file: str, line: int | None, rule: str) -> ConfigError:
    """About the file as a whole."""
    return ConfigError(Problem(path="", rule=rule, line=line, file=file))


@dataclass(slots=True)
class _Open:
    """A mapping or a list that has begun and not ended."""

    value: dict[str, Any] | list[Any]
    mark: Mark
    anchor: str | None
    values_before: int
    key: str | None = None
    key_line: int = 0
    merges: list[Any] = field(default_factory=list)


class Builder:
    """Takes events, gives the value and the marks; a problem with keys is kept and the rest still read."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.result: tuple[Any, Mark] = (None, Mark(1))
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, Mark, int]] = {}
        self._values = 0
        self._documents = 0

    def take(self, event: Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._refuse(line, "holds more than one YAML document")
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._close()
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._start(event, line)
        elif isinstance(event, ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, AliasEvent):
            self._alias(str(event.anchor), line)

    def _start(self, event: MappingStartEvent | SequenceStartEvent, line: int) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._refuse(line, f"is nested deeper than {MAX_DEPTH} levels")
        if self._expects_key():
            self._refuse(line, "has a key that is not plain text")
        if event.ctag is not None and str(event.ctag) not in ("None", "!"):
            self._refuse(line, "has a tag: tags have no meaning here")
        self._count(1, line)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, MappingStartEvent) else []
        self._open.append(_Open(value, Mark(line), event.anchor, self._values))

    def _close(self) -> None:
        done = self._open.pop()
        if isinstance(done.value, dict):
            for merged, mark in done.merges:
                for key in merged.keys() - done.value.keys():
                    done.value[key] = merged[key]
                    done.mark.below[key] = mark.below[key]
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.mark, self._values - done.values_before + 1)
        self._put(done.value, done.mark)

    def _scalar(self, event: ScalarEvent, line: int) -> None:
        if self._expects_key():
            self._key(event.value, line, plain=event.style in (None, ""))
            return
        tag = str(event.ctag) if event.ctag is not None else "None"
        if tag not in ("None", "!", _STR_TAG):
            self._refuse(line, "has a tag: tags have no meaning here")
        self._count(1, line)
        plain = event.style in (None, "") and tag == "None"
        value = scalar(event.value) if plain else event.value
        mark = Mark(line)
        if event.anchor:
            self._anchors[event.anchor] = (value, mark, 1)
        self._put(value, mark)

    def _alias(self, anchor: str, line: int) -> None:
        if anchor not in self._anchors:
            self._refuse(line, "has an alias to an anchor that is not above it")
        if self._expects_key():
            self._refuse(line, "has a key that is not plain text")
        value, mark, size = self._anchors[anchor]
        self._count(size, line)
        self._put(value, mark)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _key(self, key: str, line: int, *, plain: bool) -> None:
        parent = self._open[-1]
        parent.key, parent.key_line = key, line
        if key in parent.value and not (plain and key == "<<"):
            first = parent.mark.below[key].line
            path = path_text((*self._path(), key))
            self.problems.append(
                Problem(path=path, rule=f"is there twice, first on line {first}", line=line, file=self.file)
            )

    def _path(self) -> YamlPath:
        steps = ((level.key or "") if isinstance(level.value, dict) else len(level.value) for level in self._open[:-1])
        return tuple(steps)

    def _put(self, value: Any, mark: Mark) -> None:
        if not self._open:
            self.result = (value, mark)
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.mark.below[len(parent.value)] = mark
            parent.value.append(value)
            return
        key, parent.key = parent.key or "", None
        if key == "<<":
            self._merge(parent, value, mark)
            return
        parent.value[key] = value
        parent.mark.below[key] = Mark(parent.key_line, mark.below)

    def _merge(self, parent: _Open, value: Any, mark: Mark) -> None:
        sources = [(value, mark)] if isinstance(value, dict) else []
        if isinstance(value, list):
            sources = [(item, mark.below[index]) for index, item in enumerate(value)]
        if not sources or not all(isinstance(item, dict) for item, _ in sources):
            self._refuse(parent.key_line, "has a merge key (<<) whose value is not a mapping")
        parent.merges += sources

    def _count(self, values: int, line: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            self._refuse(line, f"holds more than {MAX_VALUES} values, aliases counted as often as they are used")

    def _refuse(self, line: int, rule: str) -> NoReturn:
        raise refusal(self.file, line, rule)
