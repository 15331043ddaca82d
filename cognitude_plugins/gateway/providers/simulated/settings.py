"""How a simulated model behaves: its pace, its length, its faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from .faults import Fault, parse_faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``latency_ms`` passes before the head, ``chunk_ms`` between two chunks of ``tokens_per_chunk`` tokens.

    ``completion_tokens`` is the length of an answer that is written (``echo`` has its own); None draws 20 to 60 from
    the prompt. ``seed`` is of the faults that strike at a rate.
    """

    latency_ms: float = 0.0
    chunk_ms: float = 0.0
    tokens_per_chunk: int = 1
    completion_tokens: int | None = None
    faults: tuple[Fault, ...] = ()
    seed: int = 0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Settings:
        """Of a configuration's ``options``. ``faults`` is a text or a list of texts. Raises ``ValueError``."""
        known = [field.name for field in fields(cls)]
        for name in options:
            if name not in known:
                near = get_close_matches(str(name), known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
                raise ValueError(f"simulated: {name!r} is not an option; {hint}")
        values = dict(options)
        for name, low, whole in _NUMBERS:
            if values.get(name) is not None:
                values[name] = _number(name, values[name], low, whole)
            else:
                values.pop(name, None)
        values["faults"] = _faults(values.get("faults"))
        return cls(**values)


_NUMBERS = (
    ("latency_ms", 0, False),
    ("chunk_ms", 0, False),
    ("tokens_per_chunk", 1, True),
    ("completion_tokens", 1, True),
    ("seed", 0, True),
)
_MOST = 10_000_000


def _number(name: str, value: Any, low: int, whole: bool) -> float | int:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= _MOST:
        rule = "a whole number" if whole else "a number"
        raise ValueError(f"simulated: {name} is {value!r}; it must be {rule} from {low} to {_MOST}")
    return value


def _faults(value: Any) -> tuple[Fault, ...]:
    if value is None:
        return ()
    if not isinstance(value, (str, list, tuple)):
        raise ValueError(f"simulated: faults is {value!r}; it must be a text like '503:0.1,reset@3' or a list of such")
    return parse_faults(value if isinstance(value, str) else [str(item) for item in value])
