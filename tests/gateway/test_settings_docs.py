from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from cognitude_plugins.gateway.settings_docs import reference

ROOT = Path(__file__).parents[2]


class Rule(BaseModel, extra="forbid"):
    kind: Literal["a", "b"] | None = Field(default=None, description="One | or the other.")
    token: SecretStr = Field(description="A secret.")


class Config(BaseModel, extra="forbid"):
    """What it is for."""

    limit: int = Field(default=3, ge=1, lt=10, description="How many.")
    rules: list[Rule] = Field(default=[], description="Rules.")
    named: dict[str, Rule] = Field(default={}, description="Rules by name.")


def test_the_committed_reference_is_fresh() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == reference()


def test_each_setting_is_a_row_with_type_default_and_meaning() -> None:
    page = reference({"mine": Config})
    for row in (
        "| `gateway.listen.port` | whole number ≥ 0, ≤ 65535 | `8080` | TCP port; 0 for any that is free. |",
        "| `models[].price.input` | number ≥ 0, ≤ 1000000 | required | Prompt tokens. |",
        "| `config.limit` | whole number ≥ 1, < 10 | `3` | How many. |",
        "| `config.rules[].kind` | `a`, `b` or `null` | `null` | One \\| or the other. |",
        "| `config.named.<name>.token` | secret text | required | A secret. |",
    ):
        assert row in page


def test_a_plugin_has_a_section_of_its_own() -> None:
    assert "## Plugin `mine`\n\nThe `config` of a pipeline entry with `use: mine`. What it is for.\n" in reference(
        {"mine": Config}
    )
    assert "## Plugin" not in reference({"mine": None})
