"""The kinds of values that settings are made of, each with its rule."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, WithJsonSchema

STRICT: Final = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)
"""Of every model of settings."""


def default_name(use: str) -> str:
    """The last part of ``use``: of ``./limits/mine.py`` it is ``mine``, of ``package.module:Class`` it is ``Class``."""
    last = re.split(r"[:/\\]", use.rstrip("/"))[-1]
    return last.removesuffix(".py") if last.endswith(".py") else last.rpartition(".")[2]


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("must be a URL with a valid host and port") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL with a host")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password: use api_key or headers")
    if "?" in url or "#" in url:
        raise ValueError("must not have a query or a fragment")
    if re.search(r"[\s\x00-\x1f\x7f\\]", url):
        raise ValueError("must not hold spaces, backslashes or control characters")
    return url.rstrip("/")


def _sendable(secret: SecretStr) -> SecretStr:
    """A key travels in a header; a newline at its end, from a file or a variable, is the usual mistake."""
    if not re.fullmatch(r"[\x21-\x7e]+", secret.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces or line ends")
    return secret


def _header_value(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\t\x20-\x7e]*", value.get_secret_value()):
        raise ValueError("must be printable ASCII without line ends")
    return value


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 16:
        raise ValueError("must have at least 16 characters")
    return secret


def _very_long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 32:
        raise ValueError("must have at least 32 characters")
    return secret


def _proxy(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        _ = parts.port
    except ValueError:
        raise ValueError("must be a URL with a valid host and port") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL with a host")
    return url


ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy)]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Usd = Annotated[Decimal, Field(ge=0), WithJsonSchema({"type": "number", "minimum": 0})]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
ApiKey = Annotated[SecretStr, AfterValidator(_sendable)]
KeySecret = Annotated[SecretStr, AfterValidator(_sendable), AfterValidator(_long_enough)]
MasterSecret = Annotated[SecretStr, AfterValidator(_very_long)]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value)]
HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=256)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]*$", max_length=128)]
ModelName = Annotated[str, Field(pattern=r"^(\*|[^\s#*\x00-\x1f\x7f]+)$", max_length=256)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
