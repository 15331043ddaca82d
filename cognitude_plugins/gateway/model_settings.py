"""The settings of a model: where it is called, how long that may take, what it costs, what is done when it fails."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from .care_settings import ConcurrencySettings, HedgingSettings, ModelBreaker, ModelRetries
from .fields import STRICT, ApiKey, BaseUrl, HeaderName, HeaderValue, ModelName, Seconds, VariableName
from .price_settings import Price


class ModelTimeouts(BaseModel):
    """Overrides of ``gateway.timeouts`` for one model, in seconds."""

    model_config = STRICT

    connect: Seconds | None = Field(default=None, description="For a connection to the provider.")
    first_token: Seconds | None = Field(
        default=None, description="For the first event of a stream; a whole answer may take the total."
    )
    between_chunks: Seconds | None = Field(default=None, description="For the next piece of the answer.")
    total: Seconds | None = Field(default=None, description="For one call with all its attempts.")


class Model(BaseModel):
    """One deployment of a model, or an alias for several models."""

    model_config = STRICT

    name: ModelName = Field(
        description="What clients say. Entries that share a name are deployments of one model, tried in this order; "
        '"*" takes every name that is not listed.'
    )
    provider: str | None = Field(
        default=None,
        description="provider/upstream-model, as in openai/gpt-4o-mini; openai/* calls the model as clients do.",
    )
    candidates: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Makes the entry an alias: the deployments of these models, in this order.",
    )
    transport: Literal["auto", "direct", "litellm", "asgi", "simulated"] = Field(
        default="auto",
        description="How the provider is called: direct (OpenAI-compatible, untranslated), litellm (translated), "
        "asgi (an app in this process), simulated; auto chooses by the provider.",
    )
    base_url: BaseUrl | None = Field(
        default=None, description="The provider's address with the API's prefix, as in http://10.0.0.5:8000/v1."
    )
    api_key: ApiKey | None = Field(default=None, description="The provider's key; sent to that provider only.")
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Further headers for the provider; their values are kept secret."
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        repr=False,
        description="What this kind of provider understands besides: of direct query (a mapping for the "
        "URL); of simulated latency_ms, chunk_ms, tokens_per_chunk, faults; of litellm api_version, aws_region_name.",
    )
    timeouts: ModelTimeouts = Field(
        default=ModelTimeouts(), description="Overrides of gateway.timeouts for this entry."
    )
    retries: ModelRetries = Field(default=ModelRetries(), description="Overrides of gateway.retries for this entry.")
    breaker: ModelBreaker = Field(default=ModelBreaker(), description="Overrides of gateway.breaker for this entry.")
    concurrency: ConcurrencySettings = Field(
        default=ConcurrencySettings(), description="How many calls this deployment gets at a time from one process."
    )
    hedging: HedgingSettings = Field(
        default=HedgingSettings(), description="A second attempt for whole answers that take unusually long."
    )
    fallbacks: tuple[str, ...] = Field(
        default=(),
        description="Models whose deployments are tried, in this order, when none of this one's plan has answered.",
    )
    price: Price | None = Field(
        default=None, description="US dollars per million tokens, where the known price is not yours."
    )
    info: dict[str, Any] = Field(
        default_factory=dict,
        description="Anything routers should know: region, weight, …. context_tokens and output_tokens (whole numbers) "
        "and capabilities (a list of tools, vision, json_schema, reasoning, audio, pdf, prompt_caching) win over "
        "what is known of the model.",
    )
    if_set: VariableName | None = Field(
        default=None, description="Leave this entry out unless this environment variable is set and not empty."
    )
