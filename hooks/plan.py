"""Where a call may go, best first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class _Comparable(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One place where a model can be called. Credentials are not in it.

    ``id`` is unique in a configuration (``gpt-4o-mini`` or, of several, ``gpt-4o-mini#2``); ``model`` is the name
    clients use, ``upstream_model`` the one the provider knows; ``transport`` is ``direct``, ``litellm``, ``asgi`` or
    ``simulated``. ``info`` is what the configuration says of it (region, weight, context length, …), free-form.
    """

    id: str
    model: str
    provider: str
    upstream_model: str
    transport: str
    info: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Deployments in the order in which they will be tried: the first is called, the rest are its fallbacks.

    A router can drop some (`keep`) and reorder them (`rank`), and nothing else. Ranking is stable, so a later
    router's order wins and an earlier one's breaks its ties. ``reasons`` go into the ledger, the explanation and the
    ``x-cognitude-route`` header.
    """

    deployments: tuple[Deployment, ...]
    reasons: tuple[str, ...] = ()

    def keep(self, predicate: Callable[[Deployment], bool], *, why: str) -> Plan:
        """Only the deployments for which ``predicate`` is true. A plan left empty is answered with 503 and ``why``."""
        kept = tuple(deployment for deployment in self.deployments if predicate(deployment))
        return Plan(deployments=kept, reasons=(*self.reasons, why))

    def rank(self, key: Callable[[Deployment], _Comparable], *, why: str) -> Plan:
        """The same deployments, smallest ``key`` first."""
        ranked = tuple(sorted(self.deployments, key=key))
        return Plan(deployments=ranked, reasons=(*self.reasons, why))
