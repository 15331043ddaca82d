"""One JSON Schema (draft 2020-12) for plugins.yaml, over the core's settings and those of the installed plugins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Final

from pydantic import BaseModel

from hooks import PluginError

from .config import Config
from .foreign import foreign
from .loader import config_of
from .resolve import GROUP, one_line

Schema = dict[str, Any]
Configs = Mapping[str, type[BaseModel] | None]

BUILT_IN: Final = "cognitude"
REFERENCE: Final[Schema] = {
    "description": "A reference: ${NAME}, ${NAME:-default} or os.environ/NAME.",
    "type": "string",
    "pattern": r"\$\{[^{}$]*\}|^os\.environ/[A-Za-z_][A-Za-z0-9_]*$",
}
_REFERS: Final[Schema] = {"$ref": "#/$defs/Reference"}
_TYPES: Final = frozenset({"integer", "number", "boolean"})
_RULES: Final = frozenset({"enum", "const", "pattern", "minLength", "maxLength"})
_ABOUT: Final = frozenset({"description", "default", "examples", "deprecated"})


def installed_configs(distribution: str | None = None) -> dict[str, type[BaseModel] | None]:
    """The settings of every installed plugin by name, None for one without; imports them all.

    With ``distribution`` only of the plugins it brings. Raises `PluginError` naming one that cannot be imported.
    """
    configs: dict[str, type[BaseModel] | None] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if distribution is None or (point.dist is not None and point.dist.name == distribution):
            try:
                plugin = foreign(point.load)
            except PluginError as error:
                raise PluginError(f"the installed plugin {point.name} cannot be imported: {one_line(error)}") from None
            configs[point.name] = config_of(plugin) if isinstance(plugin, type) else None
    return configs


def schema(configs: Configs | None = None) -> Schema:
    """The schema over these plugins, by default all that are installed.

    A ``use`` that is none of theirs is allowed, with any ``config``. Where a number, a truth value or a constrained
    text stands, a reference may stand too.
    """
    composed = described(configs)
    opened: Schema = _open(composed)
    opened["$defs"]["Reference"] = REFERENCE
    opened["properties"] = {name: _or_null(section) for name, section in opened["properties"].items()}
    return opened


def text(configs: Configs | None = None) -> str:
    """The schema as it is kept in a file."""
    return json.dumps(schema(configs), indent=2, ensure_ascii=False) + "\n"


def described(configs: Configs | None = None) -> Schema:
    """The schema of values as they are when every reference has been put in."""
    composed = _tidy(Config.model_json_schema())
    definitions = composed["$defs"]
    cases = []
    for name, model in (installed_configs() if configs is None else configs).items():
        cases.append(_case(name, model, definitions))
    if cases:
        definitions["Step"]["allOf"] = cases
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plugins.yaml of Cognitude",
        **{key: value for key, value in composed.items() if key != "description"},
    }


def definition_of(plugin: str) -> str:
    """The name of a plugin's settings among the definitions."""
    return f"{plugin}.Config"


def _case(name: str, model: type[BaseModel] | None, definitions: Schema) -> Schema:
    then: Schema = {"properties": {"config": {"type": ["object", "null"], "maxProperties": 0}}}
    if model is not None:
        own = _tidy(model.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}"))
        definitions.update({f"{name}.{key}": value for key, value in own.pop("$defs", {}).items()})
        definitions[definition_of(name)] = own
        refers: Schema = {"$ref": f"#/$defs/{definition_of(name)}"}
        required = bool(own.get("required"))
        then = {"properties": {"config": refers if required else {"anyOf": [refers, {"type": "null"}]}}}
        if required:
            then["required"] = ["config"]
    return {"if": {"properties": {"use": {"const": name}}, "required": ["use"]}, "then": then}


def _or_null(section: Schema) -> Schema:
    """A section whose lines are all commented out is null."""
    if section.get("type") == "array":
        return {**section, "type": ["array", "null"]}
    return {"anyOf": [section, {"type": "null"}]}


def _tidy(node: Any) -> Any:
    """Without pydantic's titles, and without the defaults of whole sections, which say what their fields say."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {key: _tidy(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    if "$ref" in tidy and isinstance(tidy.get("default"), dict):
        tidy.pop("default")
    return tidy


def _open(node: Any) -> Any:
    """The same schema with references let in. Nothing is let in where a name decides: an ``if``, a property's name."""
    if isinstance(node, list):
        return [_open(item) for item in node]
    if not isinstance(node, dict):
        return node
    opened: Schema = {}
    for key, value in node.items():
        if key in ("properties", "$defs", "patternProperties"):
            opened[key] = {name: _open(item) for name, item in value.items()}
        elif key in ("items", "additionalProperties", "prefixItems", "allOf", "anyOf", "oneOf", "then", "else"):
            opened[key] = _open(value)
        else:
            opened[key] = value
    return _with_reference(opened)


def _with_reference(node: Schema) -> Schema:
    kind = node.get("type", ())
    kinds = {kind} if isinstance(kind, str) else set(kind)
    ruled = bool(_RULES & node.keys() or _TYPES & kinds)
    if not ruled or "object" in kinds or "if" in node or _REFERS in node.get("anyOf", ()):
        return node
    about = {key: value for key, value in node.items() if key in _ABOUT}
    rule = {key: value for key, value in node.items() if key not in _ABOUT}
    return {**about, "anyOf": [rule, _REFERS]}
