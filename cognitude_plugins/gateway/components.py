"""Schemas of an OpenAPI document, each once: pydantic models and JSON Schemas with their definitions hoisted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from pydantic import BaseModel

Source = type["BaseModel"] | Mapping[str, Any]

_NAMED: Final = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_DATA: Final = ("const", "enum", "default", "example", "examples")
_PLACE: Final = "#/components/schemas/"


class Components:
    """``schemas`` is what stands under components/schemas.

    A schema has the name of its model or its ``title``. Equal schemas of one name share it; a different one of the
    same name gets a number behind it, in the order of coming.
    """

    def __init__(self) -> None:
        self.schemas: dict[str, dict[str, Any]] = {}
        self._known: dict[str, str] = {}

    def use(self, source: Source, mode: Literal["validation", "serialization"]) -> dict[str, Any]:
        """A reference to the schema; the schema itself when it has no title. References to elsewhere are left alone.

        Raises ``ValueError`` for a model that has no schema, and for a reference that leads nowhere.
        """
        whole = _of_model(source, mode) if isinstance(source, type) else dict(source)
        parts = _Parts(whole)
        names: dict[str, str] = {}

        def placed(reference: str) -> str:
            if not reference.startswith("#"):
                return reference
            pointer, rest = parts.find(reference)
            if pointer not in names:
                self._place(parts, pointer, names, placed)
            return f"{_PLACE}{names[pointer]}{rest}"

        if "title" in parts.by_pointer["#"]:
            return {"$ref": placed("#")}
        inline: dict[str, Any] = _rewritten(parts.by_pointer["#"], placed)
        return inline

    def _place(self, parts: _Parts, pointer: str, names: dict[str, str], placed: Callable[[str], str]) -> None:
        print_ = parts.fingerprint(pointer)
        name = wanted = parts.name(pointer)
        number = 1
        while self._known.get(name, print_) != print_:
            number += 1
            name = f"{wanted}{number}"
        names[pointer] = name
        if name not in self._known:
            self._known[name] = print_
            self.schemas[name] = {}
            self.schemas[name].update(_rewritten(parts.by_pointer[pointer], placed))


def _of_model(model: type[BaseModel], mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    from pydantic.errors import PydanticUserError

    try:
        return model.model_json_schema(mode=mode)
    except PydanticUserError as error:
        raise ValueError(f"{model.__name__}: {error.message}") from None


class _Parts:
    """One schema taken apart: itself at ``#``, and its definitions by their JSON pointer."""

    def __init__(self, whole: dict[str, Any]) -> None:
        self.by_pointer: dict[str, Any] = {}
        for key in ("$defs", "definitions"):
            for name, schema in (whole.pop(key, None) or {}).items():
                escaped = name.replace("~", "~0").replace("/", "~1")
                self.by_pointer[f"#/{key}/{escaped}"] = schema
        self.by_pointer["#"] = whole

    def find(self, reference: str) -> tuple[str, str]:
        """The part a local reference leads into, and the rest of the way inside it."""
        for pointer in self.by_pointer:
            rest = reference[len(pointer) :]
            if reference.startswith(pointer) and _is_there(self.by_pointer[pointer], rest):
                return pointer, rest
        raise ValueError(f"{self.name('#')}: the reference {reference!r} leads nowhere")

    def name(self, pointer: str) -> str:
        last = self.by_pointer["#"].get("title", "Schema") if pointer == "#" else pointer.rpartition("/")[2]
        return re.sub(r"[^A-Za-z0-9.-]+", "_", str(last)).strip("_") or "Schema"

    def fingerprint(self, pointer: str) -> str:
        """Equal for schemas that say the same, what they refer to included."""
        reached: dict[str, Any] = {}
        todo = [pointer]
        while todo:
            one = todo.pop()
            if one not in reached:
                reached[one] = self.by_pointer[one]
                todo += [self.find(found)[0] for found in _references(reached[one])]
        return json.dumps([reached.pop(pointer), reached], sort_keys=True, default=str)


def _is_there(schema: Any, rest: str) -> bool:
    """Whether a JSON pointer (RFC 6901) leads somewhere in it."""
    if not rest:
        return True
    if not rest.startswith("/"):
        return False
    for step in rest[1:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, Mapping) and key in schema:
            schema = schema[key]
        elif isinstance(schema, (list, tuple)) and key.isdecimal() and int(key) < len(schema):
            schema = schema[int(key)]
        else:
            return False
    return True


def _references(schema: Any) -> list[str]:
    """The local ones."""
    found: list[str] = []

    def note(reference: str) -> str:
        found.append(reference)
        return reference

    _rewritten(schema, note)
    return [reference for reference in found if reference.startswith("#")]


def _rewritten(schema: Any, placed: Callable[[str], str]) -> Any:
    """A copy with every reference changed. Data inside a schema (defaults, examples) is no schema."""
    if isinstance(schema, (list, tuple)):
        return [_rewritten(item, placed) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    copy: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str):
            copy[key] = placed(value)
        elif key in _NAMED and isinstance(value, Mapping):
            copy[key] = {name: _rewritten(item, placed) for name, item in value.items()}
        elif key == "discriminator" and isinstance(value, Mapping):
            mapping = {name: placed(item) for name, item in value.get("mapping", {}).items()}
            copy[key] = {**value, "mapping": mapping}
        else:
            copy[key] = value if key in _DATA else _rewritten(value, placed)
    return copy
