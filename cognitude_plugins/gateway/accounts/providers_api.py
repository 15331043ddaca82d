"""``/providers/config``: an organization's own keys for providers, put in by its admins and never told again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import operation
from hooks.endpoint import body_as, query_as

from ..fields import ApiKey
from ..outbound.guard import Guard
from ..providers.catalog import LITELLM, LOCAL, PROVIDERS
from .answers import answer, answering
from .credential import Credential
from .credential_store import Stored
from .credentials import Credentials
from .records import is_id
from .refusals import Refusal, invalid, nearest, not_found
from .times import moment
from .transactions import Transactions

_PATH: Final = "/providers/config"
_TAG: Final = "Providers"
_STRICT: Final = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
_KEYLESS: Final = LOCAL | {
    *("chatgpt", "github_copilot", "oci", "sagemaker", "sagemaker_chat", "sagemaker_nova"),
    *("vertex_ai", "vertex_ai_beta"),
}
"""Providers that are not called with an API key."""

ProviderName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class NewProviderConfig(BaseModel):
    model_config = _STRICT

    provider: ProviderName = Field(description="As in the part of a model's provider before the slash: openai.")
    api_key: Annotated[ApiKey, Field(max_length=4096)] = Field(
        description="Your organization's key for it; stored encrypted and never told again."
    )
    enabled: StrictBool = Field(default=True, description="false: it is kept, and calls go with the gateway's own key.")
    base_url: Annotated[str, Field(max_length=2048)] | None = Field(
        default=None,
        description="An address of your own with the API's prefix, as in https://llm.example.com/v1, for "
        "OpenAI-compatible providers; by default the gateway's for this provider.",
    )


class ProviderQuery(BaseModel):
    model_config = _STRICT

    provider: ProviderName = Field(description="Whose configuration is to be deleted.")


class ProviderConfig(BaseModel):
    """Everything but the key."""

    object: Literal["provider_config"] = "provider_config"
    provider: str
    enabled: bool
    base_url: str | None
    created_at: str
    updated_at: str


class ProviderConfigList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ProviderConfig]
    has_more: Literal[False] = False
    next: None = None


class ProviderConfigDeleted(BaseModel):
    object: Literal["provider_config.deleted"] = "provider_config.deleted"
    provider: str
    deleted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidersApi:
    """``guard`` judges addresses. ``proxied``: the gateway's calls go through a proxy, which it cannot guard.

    ``providers`` are names besides the known ones that models of the configuration have.
    """

    credentials: Credentials
    transactions: Transactions
    guard: Guard = field(default_factory=Guard)
    proxied: bool = False
    providers: Callable[[], Collection[str]] = tuple

    def routes(self) -> list[BaseRoute]:
        return [
            Route(_PATH, self.create(), methods=["POST"]),
            Route(_PATH, self.listing(), methods=["GET"]),
            Route(_PATH, self.delete(), methods=["DELETE"]),
        ]

    def create(self) -> Any:
        @operation(
            "Set your organization's own key for a provider, or replace it",
            access="organization_admin",
            tag=_TAG,
            request=NewProviderConfig,
            responses={200: ProviderConfig, 201: ProviderConfig, 404: None, 409: None, 422: None, 503: None},
        )
        @answering
        async def set_provider_config(request: Request) -> Response:
            body = await body_as(request, NewProviderConfig, secret=True)
            credential = Credential(
                organization=_organization(request),
                provider=self._known(body.provider),
                api_key=body.api_key.get_secret_value(),
                base_url=self._address(body),
            )
            check = self.transactions.check(request, writes=True, into=credential.organization)
            stored, created = await self.credentials.put(credential, enabled=body.enabled, check=check)
            return answer(_shown(stored), 201 if created else 200)

        return set_provider_config

    def listing(self) -> Any:
        @operation(
            "List the providers for which your organization has a key of its own",
            access="organization_admin",
            tag=_TAG,
            responses={200: ProviderConfigList, 404: None, 503: None},
        )
        @answering
        async def list_provider_configs(request: Request) -> Response:
            check = self.transactions.check(request)
            found = await self.credentials.listed(_organization(request), check=check)
            return answer({"object": "list", "data": [_shown(one) for one in found], "has_more": False, "next": None})

        return list_provider_configs

    def delete(self) -> Any:
        @operation(
            "Delete your organization's own key for a provider",
            access="organization_admin",
            tag=_TAG,
            request=ProviderQuery,
            responses={200: ProviderConfigDeleted, 404: None, 503: None},
        )
        @answering
        async def delete_provider_config(request: Request) -> Response:
            provider = query_as(request, ProviderQuery).provider
            check = self.transactions.check(request, writes=True)
            if not await self.credentials.remove(_organization(request), provider, check=check):
                raise not_found("configuration of a provider", provider)
            return answer({"object": "provider_config.deleted", "provider": provider, "deleted": True})

        return delete_provider_config

    def _known(self, provider: str) -> str:
        known = sorted({*PROVIDERS, *self.providers()} - _KEYLESS)
        if provider in known:
            return provider
        if provider in _KEYLESS:
            raise invalid("provider", f"The provider {provider!r} is not called with an API key.")
        close = nearest(provider, known)
        hint = f" Did you mean {close!r}?" if close else ""
        raise Refusal("invalid", f"There is no provider {provider!r}.{hint}", code="unknown_provider", param="provider")

    def _address(self, body: NewProviderConfig) -> str | None:
        if body.base_url is None:
            return None
        if body.provider in LITELLM:
            message = (
                "is for OpenAI-compatible providers: calls to this one are translated, and their way is not guarded"
            )
            raise invalid("base_url", f"base_url {message}.")
        if self.proxied:
            message = "cannot be used here: the gateway's calls go through a proxy, which is not guarded"
            raise invalid("base_url", f"base_url {message}.")
        try:
            return self.guard.url(body.base_url)
        except ValueError as error:
            raise invalid("base_url", f"base_url {error}.") from None


def _organization(request: Request) -> str:
    """That of the key, or the one that a gateway admin has named. Raises `Refusal`."""
    organization: str = request.state.caller.organization
    if not is_id(organization):
        raise Refusal("not_found", "There is no such organization.", code="not_found")
    return organization


def _shown(stored: Stored) -> dict[str, Any]:
    return {
        "object": "provider_config",
        "provider": stored.provider,
        "enabled": stored.enabled,
        "base_url": stored.base_url,
        "created_at": moment(stored.created_ms),
        "updated_at": moment(stored.updated_ms),
    }
