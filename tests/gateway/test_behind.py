"""The catalog of the middleware: the names stay, and every one of them leads to the app behind us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway.behind import behind_us
from cognitude_plugins.gateway.providers.catalog import Catalog
from cognitude_plugins.gateway.runtime import build
from cognitude_plugins.gateway.settings import Gateway, Middleware
from tests.gateway.calls import YAML


def gateway(**middleware: Any) -> Gateway:
    return Gateway(middleware=Middleware(**middleware))


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    text = YAML.replace(
        "models:", "models:\n  - {name: gpt, provider: openai/gpt-4o-mini, api_key: sk-upstream-0123456789}"
    )
    (tmp_path / "plugins.yaml").write_text(text)
    return build(tmp_path / "plugins.yaml", {}).catalog


def test_every_name_leads_once_to_the_app_and_nowhere_else(catalog: Catalog) -> None:
    made = behind_us(catalog, gateway())
    assert set(made.models) == set(catalog.models)
    for name, targets in made.models.items():
        assert [target.deployment.transport for target in targets] == ["asgi"], name
        assert [target.base_url for target in targets] == [None]
        assert targets[0].deployment.upstream_model == catalog.models[name][0].deployment.upstream_model
    assert made.prices == catalog.prices


def test_a_key_meant_for_a_provider_is_not_sent_to_the_app(catalog: Catalog) -> None:
    for settings in (gateway(), gateway(auth="gateway", inner_key="sk-inner-0123456789")):
        made = behind_us(catalog, settings)
        keys = {target.api_key for targets in made.models.values() for target in targets}
        keys |= {target.api_key for target in made.catch_all}
        assert keys == ({None} if settings.middleware.auth == "inner" else {"sk-inner-0123456789"})


def test_a_model_nobody_listed_is_the_apps_to_know(catalog: Catalog) -> None:
    [target] = behind_us(catalog, gateway()).find("some/other-model")
    assert (target.deployment.transport, target.deployment.upstream_model) == ("asgi", "some/other-model")


def test_the_inner_key_is_not_sent_where_the_app_checks_keys_itself(catalog: Catalog) -> None:
    made = behind_us(catalog, gateway(auth="inner", inner_key="sk-inner-0123456789"))
    assert all(target.api_key is None for target in made.catch_all)
