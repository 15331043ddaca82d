"""What deployments can do: what their entries say, and for the rest LiteLLM's map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hooks import CAPABILITIES, Deployment, Traits

from .prices.price_map import entry_of, price_map_path, read_map

_FLAGS: Final = {
    "tools": "supports_function_calling",
    "vision": "supports_vision",
    "json_schema": "supports_response_schema",
    "reasoning": "supports_reasoning",
    "audio": "supports_audio_input",
    "pdf": "supports_pdf_input",
    "prompt_caching": "supports_prompt_caching",
}
"""How the map calls a capability. Where it leaves one out, the model does not have it."""

_UNKNOWN: Final = Traits()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitBook:
    """Traits by deployment id; ``entries`` are the map's for what a catch-all may be asked for."""

    known: Mapping[str, Traits] = field(default_factory=dict)
    entries: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def of(self, deployment: Deployment) -> Traits:
        known = self.known.get(deployment.id)
        return traits_of(deployment, self.entries) if known is None else known

    @classmethod
    def load(cls, deployments: Iterable[Deployment], path: Path | None = None) -> TraitBook:
        """Reads the map (3 MB, some 20 ms) unless every model is simulated, and keeps it only for a catch-all."""
        wanted = tuple(deployments)
        path = path or price_map_path()
        read = path is not None and any(one.transport != "simulated" for one in wanted)
        entries = read_map(path) if read and path is not None else {}
        any_name = any("*" in one.upstream_model for one in wanted)
        known = {one.id: traits_of(one, entries) for one in wanted if "*" not in one.upstream_model}
        return cls(known=known, entries=entries if any_name else {})


def traits_of(deployment: Deployment, entries: Mapping[str, Any]) -> Traits:
    """``info`` wins, each of its members for itself."""
    entry = entry_of(deployment.provider, deployment.upstream_model, entries)
    mapped = _UNKNOWN if entry is None else _mapped(entry)
    info = deployment.info
    capabilities = info.get("capabilities")
    return Traits(
        context_tokens=info.get("context_tokens", mapped.context_tokens),
        output_tokens=info.get("output_tokens", mapped.output_tokens),
        capabilities=mapped.capabilities if capabilities is None else frozenset(capabilities),
    )


def info_problem(info: Mapping[str, Any]) -> str | None:
    """What is wrong with the members of a model's ``info`` that are known; None when nothing is."""
    for name in ("context_tokens", "output_tokens"):
        tokens = info.get(name)
        if tokens is not None and (type(tokens) is not int or tokens < 1):
            return f"{name} is a whole number of tokens, at least 1, not {tokens!r}"
    given = info.get("capabilities")
    if given is None:
        return None
    if not isinstance(given, (list, tuple)):
        return f"capabilities is a list, not {given!r}"
    unknown = [one for one in given if one not in CAPABILITIES]
    return f"capabilities are of {', '.join(sorted(CAPABILITIES))}, not {unknown[0]!r}" if unknown else None


def _mapped(entry: Mapping[str, Any]) -> Traits:
    return Traits(
        context_tokens=_count(entry.get("max_input_tokens")) or _count(entry.get("max_tokens")),
        output_tokens=_count(entry.get("max_output_tokens")) or _count(entry.get("max_tokens")),
        capabilities=frozenset(name for name, flag in _FLAGS.items() if entry.get(flag) is True),
    )


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
