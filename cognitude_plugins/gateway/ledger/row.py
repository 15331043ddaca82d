"""One call as the ledger has it, and as a line of JSON on the way there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``id`` is the answer's ``x-request-id``. Times: ``time_ms`` of arrival since 1970, durations in microseconds.

    ``model`` and ``provider`` are what the sums are kept by: the served deployment's; without one the model that was
    asked for if it is the gateway's, and empty. ``source`` is ``provider``, ``error``, ``hedge`` (of a hedged call the
    attempt that came second) or the plugin that answered. Tokens are None when not known; ``usage_reported`` is False
    where the gateway counted. Money is in billionths of a US dollar; ``cost_nano_usd`` is None when the price or the
    usage is not known. ``error`` is a short word: ``client_disconnect``, ``provider_error``, or the answer's error
    code. ``route`` has the routers' reasons, and ``coalesced`` of a call that got the answer of another one,
    ``decisions`` what plugins in shadow would have done, ``tried`` each attempt: deployment, outcome, milliseconds.
    ``max_tokens`` is the most that the request let the answer have. The three digests and ``prefix_tokens`` are a
    `hooks.Fingerprint` of the prompt.
    """

    id: str
    time_ms: int
    organization: str
    key: str
    user: str | None = None
    api: str
    requested_model: str
    model: str
    provider: str
    deployment: str | None = None
    source: str
    status: int
    stream: bool
    complete: bool
    error: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_reported: bool | None = None
    cost_nano_usd: int | None = None
    saved_nano_usd: int = 0
    latency_us: int
    first_token_us: int | None = None
    overhead_us: int
    attempts: int
    complexity: str | None = None
    cache_key: str | None = None
    route: str | None = None
    decisions: str | None = None
    tried: str | None = None
    max_tokens: int | None = None
    request_digest: int | None = None
    shape_digest: int | None = None
    prefix_digest: int | None = None
    prefix_tokens: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """One line of JSON without its end; ``decode`` is the way back."""
        return orjson.dumps(self)

    @classmethod
    def decode(cls, line: bytes) -> Row:
        """Raises ``ValueError`` for what is not a row. Fields of a later version are left out."""
        value: Any = orjson.loads(line)
        if not isinstance(value, dict):
            raise ValueError("a row is a JSON object")
        try:
            return cls(**{name: value[name] for name in COLUMNS if name in value})
        except TypeError as error:
            raise ValueError(f"not a row: {error}") from None


COLUMNS: Final = tuple(one.name for one in fields(Row))
