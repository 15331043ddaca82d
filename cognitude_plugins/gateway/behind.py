"""The catalog when the pipeline runs as middleware: every model is a model of the app behind us."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from hooks import Deployment

from .care import NO_CARE
from .models import Catalog
from .providers import Target, Timeouts
from .settings import Gateway, GatewayTimeouts

CATCH_ALL: Final = "*"
INNER: Final = "asgi"
"""The transport of every deployment then."""


def behind_us(catalog: Catalog, gateway: Gateway) -> Catalog:
    """The names and what is known of them stay; the app behind is asked for each by its name, and for any other too.
    Each call goes there once, as it came.

    Deployments of one model become one: which of its own deployments answers is the app's choice. With
    ``auth: gateway`` the app gets ``inner_key`` in place of the client's key.
    """
    secret = gateway.middleware.inner_key if gateway.middleware.auth == "gateway" else None
    key = None if secret is None else secret.get_secret_value()
    models = {
        name: tuple(_inner(target, key) for target in _first_of_each(found)) for name, found in catalog.models.items()
    }
    every = Deployment(id="inner", model=CATCH_ALL, provider="inner", upstream_model=CATCH_ALL, transport=INNER)
    catch_all = Target(deployment=every, api_key=key, timeouts=_timeouts(gateway.timeouts), care=NO_CARE)
    return Catalog(models=models, catch_all=(catch_all,), prices=catalog.prices, any_name=True)


def _first_of_each(targets: Iterable[Target]) -> Iterable[Target]:
    found: dict[str, Target] = {}
    for target in targets:
        found.setdefault(target.deployment.model, target)
    return found.values()


def _inner(target: Target, key: str | None) -> Target:
    deployment = replace(target.deployment, transport=INNER)
    return Target(deployment=deployment, api_key=key, timeouts=target.timeouts, care=NO_CARE)


def _timeouts(shared: GatewayTimeouts) -> Timeouts:
    return Timeouts(
        connect=shared.connect,
        first_token=shared.first_token,
        between_chunks=shared.between_chunks,
        total=shared.total,
    )
