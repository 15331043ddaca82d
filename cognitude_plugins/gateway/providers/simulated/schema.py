"""A JSON value that satisfies a JSON Schema, as far as types, enumerations, bounds and required fields say."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, Final

_DEEP: Final = 6
_BOTTOM: Final = 24
_VALUES: Final = 5000
_EXACT: Final = 2**53
_FINEST: Final = 1e-9
_FORMATS: Final = {
    "date-time": "2025-01-01T00:00:00Z",
    "date": "2025-01-01",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


def sample(schema: Any, text: str = "example", *, whole: bool = False) -> Any:
    """The same value for the same schema. Strings without a format are ``text``.

    Of an object the required properties, or with ``whole`` all of them. ``pattern``, ``not`` and conditions are not
    looked at. A schema that refers to itself without end gives None at depth 24 and after 5000 values.
    """
    return _Sampler(schema, text, whole).value(schema, 0)


class _Sampler:
    def __init__(self, root: Any, text: str, whole: bool) -> None:
        self._root = root
        self._text = text
        self._whole = whole
        self._left = _VALUES

    def value(self, schema: Any, depth: int) -> Any:
        self._left -= 1
        if not isinstance(schema, Mapping) or depth > _BOTTOM or self._left < 0:
            return None
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return schema["enum"][0]
        for name in ("anyOf", "oneOf"):
            if isinstance(schema.get(name), list) and schema[name]:
                return self.value(_merged(schema, schema[name][self._simplest(schema[name], depth)], name), depth + 1)
        match _kind(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "string":
                return _string(schema, self._text)
            case "integer" | "number" as kind:
                return _number(schema, kind == "integer")
            case "boolean":
                return True
        return None

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        for _ in range(_BOTTOM):
            if isinstance(schema.get("$ref"), str):
                schema = _merged(schema, self._target(schema["$ref"]), "$ref")
            elif isinstance(schema.get("allOf"), list) and schema["allOf"]:
                first, *rest = schema["allOf"]
                schema = _merged({**schema, "allOf": rest}, first, "allOf" if not rest else "")
            else:
                break
        return schema

    def _target(self, reference: str) -> Any:
        found = self._root
        for part in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        return found

    def _simplest(self, options: list[Any], depth: int) -> int:
        """Deep down the option that ends a recursion, if one is a plain value; else the first."""
        if depth > _DEEP:
            for index, option in enumerate(options):
                if isinstance(option, Mapping) and _kind(option) not in ("object", "array", None):
                    return index
        return 0

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        needed = schema.get("required")
        names = [name for name in needed if isinstance(name, str)] if isinstance(needed, list) else []
        if self._whole and depth <= _DEEP:
            names = list(dict.fromkeys([*properties, *names]))
        extra = schema.get("additionalProperties")
        extra = extra if isinstance(extra, Mapping) else {"type": "string"}
        return {name: self.value(properties.get(name, extra), depth + 1) for name in names}

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        prefix = schema.get("prefixItems")
        made = [self.value(item, depth + 1) for item in prefix] if isinstance(prefix, list) else []
        least = schema.get("minItems")
        wanted = max(
            least if type(least) is int else 0,
            1 if self._whole and depth <= _DEEP and schema.get("maxItems") != 0 else 0,
        )
        items = schema.get("items", {"type": "string"})
        while len(made) < min(wanted, 1000):
            made.append(self.value(items, depth + 1))
        if schema.get("uniqueItems") is True and len(made) > 1 and isinstance(items, Mapping):
            return _distinct(made, items)
        return made


def _merged(schema: Mapping[str, Any], other: Any, gone: str) -> dict[str, Any]:
    merged = {key: value for key, value in schema.items() if key != gone}
    for key, value in (other if isinstance(other, Mapping) else {}).items():
        if key == "properties" and isinstance(merged.get(key), Mapping) and isinstance(value, Mapping):
            merged[key] = {**merged[key], **value}
        elif key in ("required", "allOf") and isinstance(merged.get(key), list) and isinstance(value, list):
            merged[key] = [*merged[key], *value]
        else:
            merged[key] = value
    return merged


def _kind(schema: Mapping[str, Any]) -> str | None:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return None


def _string(schema: Mapping[str, Any], text: str) -> str:
    known = _FORMATS.get(str(schema.get("format")))
    if known is not None:
        return known
    least, most = schema.get("minLength"), schema.get("maxLength")
    if type(least) is int and len(text) < least:
        text = text + "x" * (min(least, 100_000) - len(text))
    return text[:most] if type(most) is int else text


def _number(schema: Mapping[str, Any], integer: bool) -> float | int:
    """The least the bounds allow, or else the most, or 1."""
    low, high = _bound(schema, "minimum"), _bound(schema, "maximum")
    over, under = _bound(schema, "exclusiveMinimum"), _bound(schema, "exclusiveMaximum")
    step = abs(_bound(schema, "multipleOf") or 0) or (1 if integer else 0)
    value: float = 1
    if over is not None:
        value = over + (step or 1)
        if under is not None and value >= under:
            value = (over + under) / 2
    elif low is not None:
        value = low
    elif under is not None and value >= under:
        value = under - (step or 1)
    elif high is not None and value > high:
        value = high
    if step > _FINEST:
        value = ceil(value / step) * step if low is not None or over is not None else value // step * step
    return int(value) if integer else value


def _bound(schema: Mapping[str, Any], name: str) -> float | None:
    """A bound that JSON's numbers can be calculated with, or None."""
    value = schema.get(name)
    return value if isinstance(value, (int, float)) and _is_number(value) and abs(value) <= _EXACT else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _distinct(made: list[Any], items: Mapping[str, Any]) -> list[Any]:
    choices = items.get("enum")
    if isinstance(choices, list) and len(choices) >= len(made):
        return list(choices[: len(made)])
    if all(isinstance(value, str) for value in made):
        return [f"{value}{index or ''}" for index, value in enumerate(made)]
    if all(_is_number(value) for value in made):
        return [value + index for index, value in enumerate(made)]
    return made
