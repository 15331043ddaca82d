"""An organization's own key for a provider, and a target with it in place of the gateway's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..providers.provider import Target, carries_a_secret
from ..providers.verdict import failure

_KEY_HEADERS: Final = ("api-key", "x-api-key", "x-goog-api-key")
_REMOTE: Final = frozenset({"direct", "litellm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """``api_key`` is None when it cannot be opened: it was sealed under a secret key that is not here.

    With ``base_url`` the key belongs to that address, and to no other.
    """

    organization: str
    provider: str
    api_key: str | None = field(repr=False)
    base_url: str | None = None


def own(target: Target, credential: Credential) -> Target:
    """The same deployment, called with the organization's key. Raises `ProviderError` where it cannot be.

    The call then fails: with the gateway's key somebody else would pay for it, and another account would see it. What
    may hold the operator's secrets stays behind: of his headers, query and options those that authorise, and all of
    them where the organization has named an address of its own.
    """
    transport = target.deployment.transport
    if transport not in _REMOTE:
        return target
    if credential.api_key is None:
        raise failure(
            "credential", "your organization's own credential for this provider cannot be opened; set it again"
        )
    if credential.base_url is not None:
        return _elsewhere(target, credential)
    kept = _unsigned(target)
    carrier = next((name for name in target.headers if name.lower() in _KEY_HEADERS), None)
    if transport == "direct" and target.api_key is None and carrier is not None:
        return replace(kept, headers={**kept.headers, carrier: credential.api_key}, owner=credential.organization)
    return replace(kept, api_key=credential.api_key, owner=credential.organization)


def _elsewhere(target: Target, credential: Credential) -> Target:
    if target.deployment.transport != "direct":
        message = "your organization's own base_url for this provider cannot be used with this model"
        raise failure("credential", message)
    return replace(
        target,
        base_url=credential.base_url,
        api_key=credential.api_key,
        headers={},
        options={},
        guarded=True,
        owner=credential.organization,
    )


def _unsigned(target: Target) -> Target:
    options = _without_secrets(target.options)
    if isinstance(query := options.get("query"), Mapping):
        options["query"] = _without_secrets(query)
    return replace(target, headers=_without_secrets(target.headers), options=options)


def _without_secrets(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if not carries_a_secret(name)}
