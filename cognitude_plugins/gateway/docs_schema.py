"""JSON Schemas as HTML: fields with their types, what they refer to folded up inside them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

_DEEPEST: Final = 6
_BOUNDS: Final = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "exclusiveMinimum": "> {}",
    "exclusiveMaximum": "< {}",
    "minLength": "{} or more characters",
    "maxLength": "up to {} characters",
    "minItems": "{} or more",
    "maxItems": "up to {}",
    "pattern": "matches {}",
    "format": "{}",
}


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._named: Mapping[str, Any] = document["components"].get("schemas", {})

    def body(self, schema: Mapping[str, Any], above: tuple[str, ...] = ()) -> str:
        """What a body is: its fields, or where it has none its type. ``above`` are the names it is folded into."""
        if "$ref" in schema and (name := _name(schema)) not in above:
            schema, above = self._named.get(name, {}), (*above, name)
        about = f"<p>{prose(str(schema['description']))}</p>" if "description" in schema else ""
        required = schema.get("required", ())
        fields = schema.get("properties")
        if isinstance(fields, Mapping):
            rows = "".join(self.row(name, one, name in required, above=above) for name, one in fields.items())
            return f'{about}<ul class="fields">{rows}</ul>'
        return f'{about}<p class="type">{escape(self.type(schema))}</p>{self._inside(schema, above)}'

    def row(
        self, name: str, schema: Any, required: bool = False, *, where: str = "", above: tuple[str, ...] = ()
    ) -> str:
        """One field or parameter."""
        schema = schema if isinstance(schema, Mapping) else {}
        kind = self.type(schema)
        if kind == "anything" and schema.get("description"):
            kind = ""
        facts = "; ".join([fact for fact in (where, kind, *_bounds(schema)) if fact])
        mark = ' <b class="required">required</b>' if required else ""
        about = f"<p>{prose(str(schema['description']))}</p>" if schema.get("description") else ""
        return (
            f'<li><code>{escape(name)}</code> <span class="type">{escape(facts)}</span>{mark}{about}'
            f"{self._inside(schema, above)}</li>"
        )

    def type(self, schema: Any) -> str:
        """A schema in a few words; of one without any type that anything goes."""
        if not isinstance(schema, Mapping):
            return "anything"
        if "$ref" in schema:
            return _name(schema)
        if "const" in schema:
            return json.dumps(schema["const"])
        if "enum" in schema:
            return " or ".join(json.dumps(value) for value in schema["enum"])
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return " or ".join(dict.fromkeys(self.type(one) for one in schema[choice]))
        kind = schema.get("type", "anything")
        if kind == "array":
            return f"array of {self.type(schema.get('items'))}"
        return " or ".join(kind) if isinstance(kind, list) else str(kind)

    def example(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        """A value with the fields that are required, made of the examples that are given."""
        if depth > _DEEPEST:
            return None
        if "$ref" in schema:
            return self.example(self._named.get(_name(schema), {}), depth + 1)
        for key in ("examples", "enum"):
            if schema.get(key):
                return schema[key][0]
        if "const" in schema:
            return schema["const"]
        if schema.get("anyOf"):
            return self.example(schema["anyOf"][0], depth + 1)
        fields = schema.get("properties", {})
        if fields or schema.get("type") == "object":
            return {name: self.example(fields.get(name, {}), depth + 1) for name in schema.get("required", ())}
        plain: dict[Any, Any] = {"array": [], "integer": 1, "number": 1, "boolean": True}
        return plain.get(schema.get("type"), "string")

    def _inside(self, schema: Mapping[str, Any], above: tuple[str, ...]) -> str:
        """What a field refers to, folded up; a name that is already being shown is not opened again."""
        if len(above) >= _DEEPEST:
            return ""
        return "".join(
            f"<details><summary>{escape(_label(one))}</summary>{self.body(one, above)}</details>"
            for one in _parts(schema)
            if "$ref" not in one or _name(one) not in above
        )


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """The schemas in a field that have fields themselves."""
    if not isinstance(schema, Mapping):
        return
    if "$ref" in schema or "properties" in schema:
        yield schema
        return
    for key in ("items", "additionalProperties"):
        yield from _parts(schema.get(key))
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for one in schema.get(key, ()):
            yield from _parts(one)
    yield from _parts(schema.get("contentSchema"))


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    for one in (schema, *schema.get("anyOf", ())):
        if isinstance(one, Mapping):
            yield from (words.format(one[key]) for key, words in _BOUNDS.items() if key in one)


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _label(schema: Mapping[str, Any]) -> str:
    return _name(schema) if "$ref" in schema else str(schema.get("title", "fields"))


def prose(text: str) -> str:
    """Escaped text, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
