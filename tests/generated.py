"""Writes the committed files that are made from others: ``make docs``. Tests fail when one is stale."""

from __future__ import annotations

from pathlib import Path

from cognitude_plugins.gateway.schema import BUILT_IN, installed_configs, text
from cognitude_plugins.gateway.settings_docs import reference

ROOT = Path(__file__).parents[1]


def main() -> None:
    for name, content in (
        ("plugins.schema.json", text(installed_configs(BUILT_IN))),
        ("docs/configuration.md", reference()),
    ):
        (ROOT / name).write_text(content, encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
