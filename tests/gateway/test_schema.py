from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import BaseModel, Field

from cognitude_plugins.gateway.schema import BUILT_IN, installed_configs, schema, text
from cognitude_plugins.gateway.yamlfile import Document

ROOT = Path(__file__).parents[2]


class Rule(BaseModel, extra="forbid"):
    limit: int = Field(ge=1, description="How many.")
    kind: str = Field(default="a", pattern="^[ab]$", description="Which.")


class Strict(BaseModel, extra="forbid"):
    title: str = Field(description="A field that is called as a keyword of JSON Schema is.")
    rules: list[Rule] = Field(default=[], description="Rules.")


CONFIGS: dict[str, type[BaseModel] | None] = {"strict": Strict, "plain": None}


def errors(yaml: str) -> list[str]:
    document = Document.parse(yaml, file="p.yaml")
    found = Draft202012Validator(schema(CONFIGS)).iter_errors(document.data)
    return sorted({error.json_path for error in found})


def test_it_is_a_valid_schema() -> None:
    for each in (schema(CONFIGS), schema({}), schema()):
        Draft202012Validator.check_schema(each)


def test_the_committed_copy_is_fresh() -> None:
    assert (ROOT / "plugins.schema.json").read_text(encoding="utf-8") == text(installed_configs(BUILT_IN))


def test_the_committed_configuration_is_valid() -> None:
    document = Document.read(ROOT / "plugins.yaml")
    assert [error.message for error in Draft202012Validator(schema()).iter_errors(document.data)] == []


def test_every_setting_is_described() -> None:
    described = schema(installed_configs(BUILT_IN))["$defs"]
    silent = [
        f"{name}.{key}"
        for name, definition in described.items()
        for key, field in definition.get("properties", {}).items()
        if "description" not in field and "$ref" not in field
    ]
    assert silent == []


@pytest.mark.parametrize(
    "yaml",
    [
        "{}",
        "gateway:\nservices:\nmodels:\npipeline:\n",
        "gateway: {listen: {port: '${PORT:-8080}'}, server_timing: '${TIMING}', timeouts: {total: os.environ/T}}",
        "gateway: {middleware: {auth: '${AUTH}'}}",
        "models: [{name: '${N}', provider: openai/x, base_url: '${U:-}', price: {input: '${P}'}, if_set: X}]",
        "pipeline: [{use: anything, config: {whatever: [1]}}]",
        "pipeline: [{use: strict, mode: '${M}', config: {title: t, rules: [{limit: '${L}', kind: '${K}'}]}}]",
        "pipeline: [{use: plain, config: {}}, {use: plain, config: null}, {use: plain}]",
    ],
)
def test_what_the_gateway_takes_is_valid(yaml: str) -> None:
    assert errors(yaml) == []


@pytest.mark.parametrize(
    ("yaml", "path"),
    [
        ("gatway: {}", "$"),
        ("gateway: {listen: {port: abc}}", "$.gateway"),
        ("models: [{provider: openai/x}]", "$.models[0]"),
        ("models: [{name: x, transport: carrier-pigeon}]", "$.models[0].transport"),
        ("pipeline: [{use: strict}]", "$.pipeline[0]"),
        ("pipeline: [{use: strict, config: {}}]", "$.pipeline[0].config"),
        ("pipeline: [{use: strict, config: {title: t, rules: [{limit: 0}]}}]", "$.pipeline[0].config.rules[0].limit"),
        ("pipeline: [{use: strict, config: {title: t, rules: [{limit: abc}]}}]", "$.pipeline[0].config.rules[0].limit"),
        ("pipeline: [{use: strict, config: {titel: t}}]", "$.pipeline[0].config"),
        ("pipeline: [{use: plain, config: {a: 1}}]", "$.pipeline[0].config"),
        ("pipeline: [{use: x, mode: offf}]", "$.pipeline[0].mode"),
    ],
)
def test_what_the_gateway_refuses_is_invalid_at_its_place(yaml: str, path: str) -> None:
    assert path in errors(yaml)


def test_a_field_called_title_keeps_its_place() -> None:
    own: dict[str, Any] = schema(CONFIGS)["$defs"]["strict.Config"]
    assert "title" in own["properties"]
    assert own["required"] == ["title"]
    assert "strict.Rule" in schema(CONFIGS)["$defs"]


def test_plugins_of_other_packages_are_in_it_only_when_asked_for() -> None:
    ours = {
        "alert_channels",
        "analytics",
        "balancer",
        "complexity_router",
        "limiter",
        "redact",
        "redis_cache",
        "request_defaults",
    }
    assert ours == installed_configs(BUILT_IN).keys()
    assert installed_configs("no-such-package") == {}
