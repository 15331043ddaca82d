"""Only the transports that a catalog needs are built, and only they are imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cognitude_plugins.gateway.providers import Target
from cognitude_plugins.gateway.providers.catalog import Catalog
from cognitude_plugins.gateway.providers.transports import transports
from hooks import Deployment

CLASSES = {
    "direct": "DirectProvider",
    "litellm": "LiteLLMProvider",
    "simulated": "SimulatedProvider",
    "asgi": "AsgiApps",
}


def target(transport: str) -> Target:
    return Target(deployment=Deployment(id=transport, model="m", provider="p", upstream_model="u", transport=transport))


def catalog(*names: str, catch_all: tuple[str, ...] = ()) -> Catalog:
    return Catalog(models={name: (target(name),) for name in names}, catch_all=tuple(map(target, catch_all)), prices={})


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_each_transport_has_its_provider(name: str) -> None:
    made = transports(catalog(name), None)
    assert {key: type(value).__name__ for key, value in made.items()} == {name: CLASSES[name]}


def test_what_no_deployment_needs_is_not_built() -> None:
    assert set(transports(catalog("direct", "simulated"), None)) == {"direct", "simulated"}
    assert set(transports(catalog("simulated", catch_all=("direct",)), None)) == {"direct", "simulated"}
    assert transports(catalog(), None) == {}


def test_building_a_simulated_catalog_imports_no_client_library() -> None:
    program = (
        "import sys\n"
        "from tests.gateway.providers.test_transports import catalog, transports\n"
        "before = set(sys.modules)\n"
        "transports(catalog('simulated'), None)\n"
        "assert not {'litellm', 'aiohttp'} & set(sys.modules), 'imported'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
