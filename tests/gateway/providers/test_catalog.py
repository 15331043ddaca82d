from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from cognitude_plugins.gateway.providers.catalog import LITELLM, LOCAL, OPENAI_COMPATIBLE, split, transport_of

NOT_LITELLMS = {"openrouter", "ollama"}


def package() -> Path:
    """LiteLLM's folder, found without importing it."""
    spec = find_spec("litellm")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@pytest.mark.parametrize(
    ("provider", "base_url", "transport"),
    [
        ("openai", None, "direct"),
        ("openai", "http://h/v1", "direct"),
        ("anthropic", None, "litellm"),
        ("anthropic", "http://h", "litellm"),
        ("simulated", None, "simulated"),
        ("asgi", None, "asgi"),
        ("mine", None, None),
        ("mine", "http://h/v1", "direct"),
    ],
)
def test_the_transport_follows_from_the_provider(provider: str, base_url: str | None, transport: str | None) -> None:
    assert transport_of(provider, base_url) == transport


def test_a_provider_is_split_at_the_first_slash() -> None:
    assert split("openrouter/anthropic/claude") == ("openrouter", "anthropic/claude")
    for wrong in ("gpt", "/gpt", "openai/", "openai/g pt", ""):
        with pytest.raises(ValueError, match="must be provider/upstream-model"):
            split(wrong)


def test_a_provider_has_one_way_only() -> None:
    assert not LITELLM & OPENAI_COMPATIBLE.keys()
    assert not LOCAL & (LITELLM | OPENAI_COMPATIBLE.keys())


def test_the_addresses_are_those_of_the_installed_litellm() -> None:
    root = package()
    files = [root / "constants.py", root / "litellm_core_utils/get_llm_provider_logic.py"]
    files += [*root.glob("llms/**/*.py"), root / "llms/openai_like/providers.json"]
    known = "\n".join(file.read_text(encoding="utf-8") for file in files)
    for provider, url in OPENAI_COMPATIBLE.items():
        if url is not None and provider not in NOT_LITELLMS:
            address = url.removeprefix("https://")
            assert re.search(re.escape(address) + r"/?[\"'\s]", known), provider


def test_every_provider_left_to_litellm_is_one_of_its_own() -> None:
    root = package()
    enum = (root / "types/utils.py").read_text(encoding="utf-8").split("class LlmProviders")[1]
    names = set(re.findall(r'^    [A-Z0-9_]+ = "([^"]+)"', enum, re.MULTILINE))
    names |= json.loads((root / "llms/openai_like/providers.json").read_text(encoding="utf-8")).keys()
    assert names >= LITELLM
