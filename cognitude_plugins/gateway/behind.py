"""The catalog when the pipeline runs as middleware: every model is a model of the app behind us."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hooks import Deployment

from .models import Catalog
from .providers import Target
from .settings import Middleware

CATCH_ALL: Final = "*"
INNER: Final = "asgi"
"""The transport of every deployment then."""


def behind_us(catalog: Catalog, middleware: Middleware) -> Catalog:
    """The names and what is known of them stay; the app behind is asked for each by the name the client used.

    With ``auth: gateway`` the app gets ``inner_key`` in place of the client's key.
    """
    secret = middleware.inner_key if middleware.auth == "gateway" else None
    key = None if secret is None else secret.get_secret_value()
    models = {name: tuple(_inner(target, key) for target in found) for name, found in catalog.models.items()}
    every = Deployment(id="inner", model=CATCH_ALL, provider="inner", upstream_model=CATCH_ALL, transport=INNER)
    return Catalog(models=models, catch_all=(Target(deployment=every, api_key=key),), prices=catalog.prices)


def _inner(target: Target, key: str | None) -> Target:
    deployment = replace(target.deployment, upstream_model=target.deployment.model, transport=INNER)
    return Target(deployment=deployment, api_key=key, timeouts=target.timeouts)
