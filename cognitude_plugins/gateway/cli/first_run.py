"""The first minute with a gateway: its first key, and what to type next."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cognitude_plugins.gateway.auth import ADMIN_VARIABLE, BOOTSTRAP_VARIABLE
from cognitude_plugins.gateway.config import Config

if TYPE_CHECKING:
    from cognitude_plugins.gateway.storage.database import Storage


def refuse_open_door(config: Config, environ: Mapping[str, str], host: str) -> None:
    """Raises ``ValueError`` when a first key would have to be made for a gateway that strangers can reach."""
    if _loopback(host) or _declared(config, environ):
        return
    from cognitude_plugins.gateway.accounts.first_key import any_key

    with _database(config) as storage:
        if not any_key(storage):
            raise ValueError(
                f"listening on {host} needs a key first: make one with `cognitude org create` and "
                f"`cognitude key create`, or set gateway.keys or {BOOTSTRAP_VARIABLE}; without any the gateway listens "
                "on 127.0.0.1 only"
            )


def first_key_of(config: Config, environ: Mapping[str, str]) -> str | None:
    """A fresh key in the database when there is none anywhere, of the organization ``default``; else None.

    Raises `Unavailable`, `ConfigError` or ``OSError`` when the database cannot be opened.
    """
    if _declared(config, environ):
        return None
    from cognitude_plugins.gateway.accounts.first_key import first_key
    from cognitude_plugins.gateway.books import secrets_of

    with _database(config) as storage:
        return first_key(storage, secrets_of(config))


def _declared(config: Config, environ: Mapping[str, str]) -> bool:
    return bool(config.gateway.keys or environ.get(BOOTSTRAP_VARIABLE) or environ.get(ADMIN_VARIABLE))


@contextmanager
def _database(config: Config) -> Iterator[Storage]:
    """Brought up to date."""
    from cognitude_plugins.gateway.books import storage_of
    from cognitude_plugins.gateway.storage.migrations import upgrade
    from cognitude_plugins.gateway.storage.url import lock_file

    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    storage = storage_of(config)
    try:
        upgrade(storage, lock_file(config))
        yield storage
    finally:
        storage.close()


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def banner(config: Path, url: str, key: str | None, model: str, environ: Mapping[str, str]) -> str:
    """What ``cognitude serve`` prints: the address, the key if it is new, and a first request in curl and Python.

    ``model`` is a name that the configuration knows.
    """
    said = "" if key is None else f"\nkey      {key}\n         (the first one; it is not shown again)"
    shell, python = _secret(key, environ)
    return f"""
Cognitude is serving {config}
address  {url}{said}
docs     {url}/docs

curl {url}/v1/chat/completions \\
  -H "Authorization: Bearer {shell}" -H "Content-Type: application/json" \\
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'

from openai import OpenAI
client = OpenAI(base_url="{url}/v1", api_key={python})
answer = client.chat.completions.create(model="{model}", messages=[{{"role": "user", "content": "Hello"}}])
print(answer.choices[0].message.content)
"""


def _secret(key: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """How shell and Python write the key: a new one as it is, one of the user's own by its variable."""
    if key is not None:
        return key, f'"{key}"'
    if environ.get(BOOTSTRAP_VARIABLE):
        return f"${BOOTSTRAP_VARIABLE}", f'__import__("os").environ["{BOOTSTRAP_VARIABLE}"]'
    return "YOUR_KEY", '"YOUR_KEY"'
