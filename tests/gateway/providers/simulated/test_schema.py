"""Values that satisfy a schema: judged by a validator."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.codec import CODEC
from cognitude_plugins.gateway.providers.simulated.schema import sample

NODE = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
    },
    "required": ["value", "next", "children"],
    "additionalProperties": False,
}
SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]},
    {"type": "object", "properties": {}, "required": ["free"]},
    {"type": "object", "required": ["a"], "additionalProperties": {"type": "number", "minimum": 3}},
    {"properties": {"a": {"const": 7}, "b": {"enum": ["x", "y"]}}, "required": ["a", "b"]},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 3},
    {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 2, "uniqueItems": True},
    {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}], "maxItems": 2},
    {"type": "array", "items": {"type": "string"}, "maxItems": 0},
    {"type": "string", "minLength": 20},
    {"type": "string", "maxLength": 2},
    {"type": "string", "format": "date-time"},
    {"type": ["null", "integer"]},
    {"type": "integer", "minimum": 5, "maximum": 9},
    {"type": "integer", "maximum": -3},
    {"type": "integer", "exclusiveMinimum": 5},
    {"type": "integer", "exclusiveMaximum": 0},
    {"type": "integer", "minimum": 7, "multipleOf": 5},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "number", "maximum": -0.5},
    {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "integer"}]},
    {"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"required": ["b"]}], "type": "object"},
    {"type": "object", "properties": {"r": {"$ref": "#/$defs/node"}}, "required": ["r"], "$defs": {"node": NODE}},
    {"$ref": "#/definitions/a~1b", "definitions": {"a/b": {"type": "integer"}}},
    {},
]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_a_sample_satisfies_its_schema(schema: dict[str, Any], whole: bool) -> None:
    made = sample(schema, whole=whole)
    jsonschema.Draft202012Validator(schema).validate(made)
    assert made == sample(schema, whole=whole)


KEYWORDS = [
    "type",
    "properties",
    "required",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "allOf",
    "$ref",
    "format",
    "additionalProperties",
]
WORDS = [*KEYWORDS, "object", "array", "string", "integer", "number", "null", "#", "#/properties", "#/items", "a"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=5)
        | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=25,
)


@given(JSON, st.booleans())
def test_whatever_the_schema_the_sample_can_be_written(schema: Any, whole: bool) -> None:
    try:
        CODEC.dumps(sample(schema, whole=whole))
    except RecursionError:
        raise AssertionError(schema) from None


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "schema",
    [
        None,
        True,
        7,
        {"type": "nothing"},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"$ref": 5},
        {"allOf": "x"},
        {"type": "object", "properties": 3, "required": "abc"},
        {"type": "array", "minItems": 10**12, "items": None},
        {"type": "string", "minLength": 10**12},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
        {"type": "array", "minItems": 1000, "items": {"$ref": "#"}},
    ],
    ids=str,
)
def test_a_schema_that_makes_no_sense_does_no_harm(schema: Any) -> None:
    sample(schema)
    sample(schema, whole=True)
