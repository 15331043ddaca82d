"""What a client wants of the cache for one call: RFC 9111's request directives, and LiteLLM's ``cache`` object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_MOST_SECONDS: Final = 2**31
"""RFC 9111, section 1.2.2: what is larger counts as this."""


class BadWish(ValueError):
    """``param`` is where it stands."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param: Final = param


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """``max_age`` in seconds: no older answer. ``ttl`` in seconds: for how long this one may be given again.

    ``namespace`` keeps answers apart within those who have them in common.
    """

    no_store: bool = False
    no_cache: bool = False
    only_if_cached: bool = False
    max_age: int | None = None
    ttl: int | None = None
    namespace: str = ""


NONE: Final = Wishes()


def wishes(headers: Mapping[str, str], body: Mapping[str, Any]) -> Wishes:
    """Unknown directives are left alone, as RFC 9111 wants it. Raises `BadWish` for one that makes no sense."""
    header, given = headers.get("cache-control"), body.get("cache")
    if header is None and given is None:
        return NONE
    said = _directives(header or "")
    object_ = _object(given)
    ages = [one for one in (_seconds(said.get("max-age"), "Cache-Control"), object_.max_age) if one is not None]
    return Wishes(
        no_store="no-store" in said or object_.no_store,
        no_cache="no-cache" in said or object_.no_cache,
        only_if_cached="only-if-cached" in said,
        max_age=min(ages, default=None),
        ttl=object_.ttl,
        namespace=object_.namespace,
    )


def _directives(header: str) -> dict[str, str]:
    found = {}
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.strip().lower()] = value.strip().strip('"')
    return found


def _object(given: Any) -> Wishes:
    """As LiteLLM's proxy takes it: ``no-cache``, ``no-store``, ``s-maxage``, ``ttl``, ``namespace``, ``use-cache``."""
    if given is None:
        return NONE
    if not isinstance(given, Mapping):
        raise BadWish("cache", f"cache is an object, not {type(given).__name__}")
    namespace = given.get("namespace", "")
    if not isinstance(namespace, str):
        raise BadWish("cache.namespace", f"cache.namespace is a text, not {type(namespace).__name__}")
    return Wishes(
        no_store=_flag(given, "no-store"),
        no_cache=_flag(given, "no-cache"),
        max_age=_seconds(given.get("s-maxage"), "cache.s-maxage"),
        ttl=_seconds(given.get("ttl"), "cache.ttl"),
        namespace=namespace,
    )


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise BadWish(f"cache.{name}", f"cache.{name} is true or false, not {value!r:.40}")
    return value


def _seconds(value: Any, where: str) -> int | None:
    if value is None:
        return None
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    if type(number) not in (int, float) or not 0 <= number < float("inf"):
        raise BadWish(where, f"{where}: seconds are a number, 0 or more, not {value!r:.40}")
    return min(int(number), _MOST_SECONDS)
