"""The settings of a channel's type in their two forms: with their secrets, to be sealed, and without, to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretBytes, SecretStr

HIDDEN: Final = "**********"
"""In the place of a secret. Sent back, it stands for the one that is there."""

_LEAST: Final = 4


def with_secrets(settings: BaseModel, *, exclude_unset: bool = False) -> dict[str, Any]:
    """As JSON values."""
    found: dict[str, Any] = _plain(settings.model_dump(by_alias=True, exclude_unset=exclude_unset))
    return found


def without_secrets(settings: BaseModel) -> dict[str, Any]:
    """As JSON values."""
    return settings.model_dump(mode="json", by_alias=True)


def merged(present: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """With null what is there is taken away."""
    found = {**present, **{name: restored(present.get(name), value) for name, value in changes.items()}}
    return {name: value for name, value in found.items() if value is not None}


def restored(present: Any, value: Any) -> Any:
    """What was sent back as it was shown, with the secrets that are there in the place of their masks."""
    if value == HIDDEN and isinstance(present, str):
        return present
    if isinstance(value, Mapping) and isinstance(present, Mapping):
        return {name: restored(present.get(name), one) for name, one in value.items()}
    if isinstance(value, list) and isinstance(present, list) and len(value) == len(present):
        return [restored(old, new) for old, new in zip(present, value, strict=True)]
    return value


def kept(present: Any, given: Any, after: Any) -> bool:
    """Whether some text that is there stays without having been said again."""
    return bool((_texts(present) & _texts(after)) - _texts(given))


def hushed(text: str, settings: BaseModel | None) -> str:
    """A text of a type's own without the secrets of its settings, whole or as parts of a URL."""
    found = sorted(_secrets({} if settings is None else settings.model_dump()), key=len, reverse=True)
    for secret in found:
        text = text.replace(secret, HIDDEN)
    return text


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        yield from (part for part in {secret, *secret.split("://", 1)} if len(part) >= _LEAST and part != "https")
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _secrets(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _secrets(one)


def _texts(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return set().union(*map(_texts, inner))


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, SecretBytes):
        return value.get_secret_value().decode()
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
