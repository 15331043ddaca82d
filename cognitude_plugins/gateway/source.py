"""A configuration's values with where they came from: pydantic's errors become problems with a path and a line."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hooks import ConfigError, Problem

from .scalar import scalar
from .shape import is_secret, known_names, secret_paths
from .yamlfile import Document
from .yamltree import YamlPath, path_text

HIDDEN: Final = "**********"
UNKNOWN: Final = "is not a known setting"
MAX_SECRET_BYTES: Final = 64 * 1024
_SHOWN: Final = 80
_KINDS: Final = {
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}
_ABSENT: Final = object()
M = TypeVar("M", bound=BaseModel)


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The closest known name, if one is close."""
    matches = get_close_matches(str(name), sorted(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """``texts`` are the values that came by interpolation, by path; ``places`` the path in the file of a list's items
    where that is another than in the data (an entry was left out)."""

    document: Document
    texts: Mapping[YamlPath, str] = field(default_factory=dict, repr=False)
    places: Mapping[YamlPath, YamlPath] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """What relative paths in the file are relative to."""
        return Path(self.document.file).absolute().parent

    def place(self, path: YamlPath) -> YamlPath:
        """A path in the data as a path in the file."""
        for length in (2, 3):
            if moved := self.places.get(path[:length]):
                return (*moved, *path[length:])
        return path

    def problem(
        self, path: YamlPath, rule: str, *, value: object = _ABSENT, near: str | None = None, secret: bool = False
    ) -> Problem:
        """A value that is secret or came by interpolation is not shown."""
        place, shown = self.place(path), None
        if value is not _ABSENT and not isinstance(value, dict | list):
            hidden = secret or any(place[:length] in self.texts for length in range(len(place) + 1))
            shown = HIDDEN if hidden and value is not None else _shown(value)
        return Problem(
            path=path_text(place),
            rule=rule,
            line=self.document.line_of(place),
            value=shown,
            nearest=near,
            file=self.document.file,
        )

    def validate(self, model: type[M], data: object, at: YamlPath = ()) -> M:
        """`validated`, the model alone."""
        return self.validated(model, data, at)[0]

    def validated(self, model: type[M], data: object, at: YamlPath = ()) -> tuple[M, Source]:
        """``data``, which stands at ``at``, as a ``model``; raises `ConfigError` with everything that is wrong with it.

        A ``file:`` secret is read here; the returned source hides it too. A value that came by interpolation is first
        taken as YAML would type it, and where that is refused as the text it is: ``PASSWORD=123456`` is a string for a
        field that wants one.
        """
        data, secrets, problems = self._with_secret_files(model, data, at)
        source = replace(self, texts={**self.texts, **secrets})
        try:
            return self._complete(model.model_validate(data), problems), source
        except ValidationError as error:
            valid, found = source._once_more(model, source._as_text(data, error, at), at)
            unread = {problem.path for problem in problems}
            problems += [problem for problem in found if problem.path not in unread]
        if valid is None:
            raise ConfigError(problems)
        return self._complete(valid, problems), source

    @staticmethod
    def _complete(valid: M, problems: list[Problem]) -> M:
        if problems:
            raise ConfigError(problems)
        return valid

    def _once_more(self, model: type[M], data: object, at: YamlPath) -> tuple[M | None, list[Problem]]:
        try:
            return model.model_validate(data), []
        except ValidationError as error:
            return None, [self._of_pydantic(model, data, detail, at) for detail in error.errors(include_url=False)]

    def _with_secret_files(
        self, model: type[BaseModel], data: object, at: YamlPath
    ) -> tuple[Any, dict[YamlPath, str], list[Problem]]:
        secrets: dict[YamlPath, str] = {}
        problems: list[Problem] = []
        for path in secret_paths(model, data):
            place: YamlPath = (*at, *path)
            text = str(_get(data, path))
            if text.startswith("file:"):
                try:
                    text = read_secret(self.folder / text.removeprefix("file:"))
                except (OSError, ValueError) as error:
                    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
                    problems.append(self.problem(place, f"names a secret file that cannot be used: {reason}"))
                data = _set(data, path, text)
            secrets[self.place(place)] = text
        return data, secrets, problems

    def _as_text(self, data: object, error: ValidationError, at: YamlPath) -> Any:
        for detail in error.errors(include_url=False, include_input=False):
            path = data_path(data, detail["loc"])
            text = self.texts.get(self.place((*at, *path)))
            if text is not None and not isinstance(_get(data, path), dict | list):
                data = _set(data, path, text)
        return data

    def _of_pydantic(self, model: type[BaseModel], data: object, detail: ErrorDetails, at: YamlPath) -> Problem:
        path = data_path(data, detail["loc"])
        place: YamlPath = (*at, *path)
        secret, kind, value = is_secret(model, path), detail["type"], detail["input"]
        if kind == "extra_forbidden":
            known = known_names(model, path[:-1])
            return self.problem(place, UNKNOWN, near=nearest(path[-1] if path else "", known))
        if kind == "missing":
            return self.problem((*place, str(detail["loc"][-1])), "is required")
        near = None
        if kind in ("literal_error", "enum") and not secret:
            expected = detail["ctx"]["expected"].replace(" or ", ", ").split(", ")
            near = nearest(value, [name.strip("'") for name in expected])
        return self.problem(place, self.hushed(_rule(detail)), value=value, near=near, secret=secret)

    def hushed(self, text: str) -> str:
        """What a plugin's own code says, without the values that are not to be shown, however it quoted them."""
        forms = {form for secret in self.texts.values() if secret for form in _forms(secret)}
        for form in sorted(forms, key=len, reverse=True):
            whole_words = len(form) < 4
            pattern = rf"(?<!\w){re.escape(form)}(?!\w)" if whole_words else re.escape(form)
            text = re.sub(pattern, HIDDEN, text)
        return text


def _forms(secret: str) -> set[str]:
    return {secret, repr(secret)[1:-1], str(scalar(secret))}


def read_secret(path: Path) -> str:
    """A secret's file without the newline at its end; `OSError` or `ValueError` says why not."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a regular file")
        raw = stream.read(MAX_SECRET_BYTES + 1)
    if len(raw) > MAX_SECRET_BYTES:
        raise ValueError(f"it is over {MAX_SECRET_BYTES} bytes")
    try:
        text = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    if not text:
        raise ValueError("it is empty")
    return text


def data_path(data: Any, loc: tuple[int | str, ...]) -> YamlPath:
    """The part of a pydantic location that is a path in the data: it also names union members and validators."""
    path: list[int | str] = []
    for step in loc:
        inside = step in data if isinstance(data, dict) else isinstance(data, list) and step in range(len(data))
        if inside:
            data = data[step]
            path.append(step)
    return tuple(path)


def _rule(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}"
    if kind == "string_pattern_mismatch":
        return f"must match {detail['ctx']['pattern']}"
    text = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = text.replace("Input should be", "must be", 1).replace("should have", "must have", 1)
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else "null" if value is None else str(value)
    text = text.lower() if isinstance(value, bool) else text
    text = re.sub(r"[^\s/'\"]+:\S*@", f"{HIDDEN}@", text)
    if "://" in text:
        text = re.sub(r"(?<=\?)[^'\"\s]+", HIDDEN, re.sub(r"//\S*@", f"//{HIDDEN}@", text))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _get(data: Any, path: YamlPath) -> Any:
    for step in path:
        data = data[step]
    return data


def _set(data: Any, path: YamlPath, value: object) -> Any:
    """A copy of the data with one value replaced."""
    if not path:
        return value
    copy = data.copy()
    copy[path[0]] = _set(data[path[0]], path[1:], value)
    return copy
