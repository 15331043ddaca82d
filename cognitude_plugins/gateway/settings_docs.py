"""The configuration reference, docs/configuration.md, generated from the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from .schema import BUILT_IN, Configs, Schema, definition_of, described, installed_configs

_INTRODUCTION: Final = """\
# Configuration

One file, `plugins.yaml`, says everything. This page is generated from its JSON Schema; `cognitude schema` prints the
schema, and `cognitude check` says what is wrong with a file, everything at once, each with its line.

The file is YAML 1.2 with four sections, `gateway`, `services`, `models` and `pipeline`, all of which may be left out.
A key that is not listed here is an error.

Any value may refer to the environment:

| Written | Means |
|---|---|
| `${NAME}` | the environment variable; an error if it is not set |
| `${NAME:-default}` | the variable, or `default` if it is unset or empty |
| `$${` | the characters `${` |
| `os.environ/NAME` | the variable; LiteLLM's way of writing it, for the whole value only |
| `file:/run/secrets/name` | for a secret only: the content of the file, without the newline at its end |

A value that is one reference and nothing else is typed as YAML would type it: `port: ${PORT:-8080}` is a number.
Inside `[ ]` or `{ }` a reference must be quoted. What came from the environment or from a secret's file never appears
in an error message.
"""
_TYPES: Final = {
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "string": "text",
    "object": "mapping",
    "array": "list",
    "null": "`null`",
}
_BOUNDS: Final = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
_HEAD: Final = "| Setting | Type | Default | Meaning |\n|---|---|---|---|\n"


def reference(configs: Configs | None = None) -> str:
    """The whole page; over the plugins that come with Cognitude unless others are given."""
    configs = installed_configs(BUILT_IN) if configs is None else configs
    schema = described(configs)
    parts = [_INTRODUCTION]
    for name, section in schema["properties"].items():
        parts.append(f"## `{name}`\n\n{_about(schema, section)}\n\n{_table(schema, section, name)}")
    parts += [_plugin(schema, name) for name, model in configs.items() if model is not None]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _plugin(schema: Schema, name: str) -> str:
    own = schema["$defs"][definition_of(name)]
    about = " ".join(str(own.get("description", "")).split())
    heading = f"## Plugin `{name}`\n\nThe `config` of a pipeline entry with `use: {name}`. {about}".rstrip()
    return f"{heading}\n\n{_table(schema, own, 'config')}"


def _table(schema: Schema, section: Schema, path: str) -> str:
    rows = list(_rows(schema, section, path, frozenset()))
    return _HEAD + "\n".join(rows) if rows else "No settings yet."


def _rows(schema: Schema, node: Schema, path: str, above: frozenset[str]) -> Iterator[str]:
    """One row per setting, those of a mapping or of a list's items below it."""
    for target, inner, name in _inside(schema, node, path):
        if name in above:
            continue
        required = target.get("required", ())
        for key, field in target.get("properties", {}).items():
            at = f"{inner}.{key}"
            default = "required" if key in required else _default(field)
            meaning = " ".join(str(_about(schema, field)).split())
            yield f"| `{at}` | {_cell(_type(schema, field))} | {_cell(default)} | {_cell(meaning)} |"
            yield from _rows(schema, field, at, above | {name} if name else above)


def _inside(schema: Schema, node: Schema, path: str) -> Iterator[tuple[Schema, str, str]]:
    """The mappings with known settings that a value may be or hold, with their path and definition."""
    target, name = _resolved(schema, node)
    if "properties" in target:
        yield target, path, name
    for option in [*target.get("anyOf", ()), *target.get("oneOf", ())]:
        yield from _inside(schema, option, path)
    if isinstance(target.get("items"), dict):
        yield from _inside(schema, target["items"], f"{path}[]")
    if isinstance(target.get("additionalProperties"), dict):
        yield from _inside(schema, target["additionalProperties"], f"{path}.<name>")


def _resolved(schema: Schema, node: Schema) -> tuple[Schema, str]:
    if "$ref" not in node:
        return node, ""
    name = str(node["$ref"]).removeprefix("#/$defs/")
    return schema["$defs"][name], name


def _about(schema: Schema, field: Schema) -> str:
    return str(field.get("description") or _resolved(schema, field)[0].get("description", ""))


def _default(field: Schema) -> str:
    return f"`{json.dumps(field['default'], ensure_ascii=False)}`" if "default" in field else ""


def _type(schema: Schema, field: Schema) -> str:
    kinds = list(dict.fromkeys(_kinds(schema, field)))
    return " or ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))


def _kinds(schema: Schema, field: Schema) -> Iterator[str]:
    node, _ = _resolved(schema, field)
    if "enum" in node or "const" in node:
        yield from (f"`{value}`" for value in node.get("enum", [node.get("const")]))
        return
    options = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    for option in options:
        yield from _kinds(schema, option)
    if not options:
        yield _plain(schema, node)


def _plain(schema: Schema, node: Schema) -> str:
    kind = node.get("type")
    if kind == "array":
        inner = node.get("items")
        return f"list of {_type(schema, inner)}" if isinstance(inner, dict) and inner else "list"
    if kind == "object" and isinstance(node.get("additionalProperties"), dict):
        return f"mapping of names to {_type(schema, node['additionalProperties'])}"
    if kind == "string" and node.get("format") == "password":
        return "secret text"
    bounds = ", ".join(f"{sign} {node[key]:.12g}" for key, sign in _BOUNDS if key in node)
    return " ".join(part for part in (_TYPES.get(str(kind), "any value"), bounds) if part)


def _cell(text: Any) -> str:
    return str(text).replace("|", "\\|")
