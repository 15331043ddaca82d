"""The settings that more than one type of channel has: a secret URL, and headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr

from hooks import Outbound

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,2046}[\x21-\x7e])?")
_OURS: Final = frozenset(
    {"connection", "content-length", "content-type", "host", "keep-alive", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "expect", "user-agent", "accept-encoding", "proxy-authorization", "proxy-connection"}
)


def _sound(headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if not _NAME.fullmatch(name):
            raise ValueError(f"the name of a header has letters, digits and hyphens, at most 64, not {name[:64]!r}")
        if lower in _OURS or lower.startswith("webhook-"):
            raise ValueError(f"the header {name!r} is the gateway's own")
        if lower in seen:
            raise ValueError(f"the header {name!r} is given more than once")
        if not _VALUE.fullmatch(value.get_secret_value()):
            raise ValueError(f"the value of the header {name!r} must be 1 to 2048 printable ASCII characters")
        seen.add(lower)
    return headers


SecretUrl = Annotated[SecretStr, Field(min_length=1, max_length=2048)]
SecretHeaders = Annotated[Mapping[str, SecretStr], Field(max_length=16), AfterValidator(_sound)]


def check_url(outbound: Outbound, url: SecretStr) -> None:
    """Raises ``ValueError`` with the rule that it breaks, and not with the URL."""
    try:
        outbound.url(url.get_secret_value())
    except ValueError as error:
        raise ValueError(f"url: {error}") from None


def revealed(headers: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name.lower(): value.get_secret_value() for name, value in headers.items()}
