"""What can be called: providers by name with their transport and address, and the models of a configuration.

Base URLs are those of LiteLLM 1.106.2 (``llms/openai_like/providers.json`` and each provider's ``api_base`` default);
OpenRouter's and Ollama's are not there and were written down by hand. A test compares the rest with that package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from .provider import Target

if TYPE_CHECKING:
    from hooks import Deployment

    from ..care import Care
    from ..price_settings import Price

Transport = Literal["direct", "litellm", "asgi", "simulated"]

OPENAI_COMPATIBLE: Final[Mapping[str, str | None]] = {
    "openai": "https://api.openai.com/v1",
    "ai21_chat": "https://api.ai21.com/studio/v1",
    "cerebras": "https://api.cerebras.ai/v1",
    "chutes": "https://llm.chutes.ai/v1",
    "codestral": "https://codestral.mistral.ai/v1",
    "dashscope": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "deepinfra": "https://api.deepinfra.com/v1/openai",
    "deepseek": "https://api.deepseek.com/v1",
    "featherless_ai": "https://api.featherless.ai/v1",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
    "friendliai": "https://api.friendli.ai/serverless/v1",
    "groq": "https://api.groq.com/openai/v1",
    "hyperbolic": "https://api.hyperbolic.xyz/v1",
    "inception": "https://api.inceptionlabs.ai/v1",
    "lambda_ai": "https://api.lambda.ai/v1",
    "meta_llama": "https://api.llama.com/compat/v1",
    "minimax": "https://api.minimax.io/v1",
    "mistral": "https://api.mistral.ai/v1",
    "moonshot": "https://api.moonshot.ai/v1",
    "nano-gpt": "https://nano-gpt.com/api/v1",
    "nebius": "https://api.studio.nebius.ai/v1",
    "novita": "https://api.novita.ai/v3/openai",
    "nvidia_nim": "https://integrate.api.nvidia.com/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "perplexity": "https://api.perplexity.ai",
    "poe": "https://api.poe.com/v1",
    "sambanova": "https://api.sambanova.ai/v1",
    "scaleway": "https://api.scaleway.ai/v1",
    "synthetic": "https://api.synthetic.new/openai/v1",
    "together_ai": "https://api.together.ai/v1",
    "vercel_ai_gateway": "https://ai-gateway.vercel.sh/v1",
    "wandb": "https://api.inference.wandb.ai/v1",
    "xai": "https://api.x.ai/v1",
    "zai": "https://api.z.ai/api/paas/v4",
    "custom": None,
    "custom_openai": None,
    "docker_model_runner": None,
    "hosted": None,
    "hosted_vllm": None,
    "litellm_proxy": None,
    "llamafile": None,
    "lm_studio": None,
    "openai_compatible": None,
    "sglang": None,
    "vllm": None,
    "xinference": None,
}
"""Base URL by provider, without a slash at its end; None for a program of one's own, which needs ``base_url``."""

_LITELLM = """
ai21 aiml amazon_nova anthropic anthropic_text apertis assemblyai azure azure_ai azure_text baseten bedrock
bedrock_mantle bytez chatgpt clarifai cloudflare cognition cohere cohere_chat cometapi compactifai cortecs
crusoe darkbloom databricks datarobot edenai empower galadriel gemini gigachat github github_copilot
gradient_ai heroku huggingface jina_ai langgraph lemonade libertai maritalk meta modelscope morph nlp_cloud
nscale oci ollama_chat oobabooga ovhcloud parasail petals pinstripes predibase prism publicai qwen_ai_platform
qwencloud ragflow reka replicate sagemaker sagemaker_chat sagemaker_nova sail sap sarvam scx-ai snowflake
tencent tensormesh text-completion-codestral text-completion-openai triton v0 vertex_ai vertex_ai_beta
volcengine voyage watsonx watsonx_text xiaomi_mimo
"""
LITELLM: Final = frozenset(_LITELLM.split())
"""Providers of chat, completions and embeddings whose APIs LiteLLM translates."""

LOCAL: Final = frozenset({"asgi", "simulated"})
CATCH_ALL: Final = "*"
_UPSTREAM_NAME: Final = re.compile(r"[A-Za-z0-9@][A-Za-z0-9._:@+-]*(/[A-Za-z0-9@][A-Za-z0-9._:@+-]*)*\Z")
_MAX_NAME: Final = 256
PROVIDERS: Final = frozenset(OPENAI_COMPATIBLE) | LITELLM | LOCAL


def split(provider: str) -> tuple[str, str]:
    """``openai/gpt-4o-mini`` as provider and upstream model; raises `ValueError` for any other shape."""
    name, slash, upstream = provider.partition("/")
    if not (name and slash and upstream) or any(character.isspace() for character in provider):
        raise ValueError("must be provider/upstream-model, as in openai/gpt-4o-mini")
    return name, upstream


def transport_of(provider: str, base_url: str | None = None) -> Transport | None:
    """The transport of a provider's name when the entry says ``auto``; None when it cannot be known.

    A name that is nobody's is taken as an OpenAI-compatible host when there is a ``base_url``.
    """
    if provider == "simulated":
        return "simulated"
    if provider == "asgi":
        return "asgi"
    if provider in OPENAI_COMPATIBLE:
        return "direct"
    if provider in LITELLM:
        return "litellm"
    return "direct" if base_url else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """``models`` has every name but the catch-all's, aliases expanded; ``prices`` are by deployment id, where set.

    ``fallbacks`` are by the name that is asked for: the models behind it in their order, with their targets.
    With ``any_name`` the catch-all takes every other name, whatever is in it: its provider puts none into a URL.
    """

    models: Mapping[str, tuple[Target, ...]]
    catch_all: tuple[Target, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    any_name: bool = False
    fallbacks: Mapping[str, tuple[tuple[str, tuple[Target, ...]], ...]] = field(default_factory=dict)

    def find(self, name: str) -> tuple[Target, ...]:
        """The targets of a name in the order of the file; empty when no entry takes it.

        The catch-all takes names that could be a model's: letters, digits and ``._:@+-/``, never ``..`` or an empty
        part, since some providers make them part of a URL.
        """
        found = self.models.get(name)
        if found is not None:
            return found
        if not self.catch_all or not (self.any_name or _fit_for_a_url(name)):
            return ()
        return tuple(_called(target, name) for target in self.catch_all)

    def deployments(self) -> tuple[Deployment, ...]:
        """Each once, the catch-all's as it stands in the configuration."""
        found = (target for targets in (*self.models.values(), self.catch_all) for target in targets)
        return tuple({target.deployment.id: target.deployment for target in found}.values())

    def cares(self) -> dict[str, Care]:
        """By deployment id."""
        found = (target for targets in (*self.models.values(), self.catch_all) for target in targets)
        return {target.deployment.id: target.care for target in found}

    def providers(self) -> frozenset[str]:
        """The providers that its models name."""
        found = (target for targets in (*self.models.values(), self.catch_all) for target in targets)
        return frozenset(target.deployment.provider for target in found)


def _fit_for_a_url(name: str) -> bool:
    return len(name) <= _MAX_NAME and ".." not in name and _UPSTREAM_NAME.match(name) is not None


def _called(target: Target, name: str) -> Target:
    """The catch-all's target for one requested name."""
    deployment = target.deployment
    upstream = deployment.upstream_model.replace(CATCH_ALL, name)
    return replace(target, deployment=replace(deployment, model=name, upstream_model=upstream))
