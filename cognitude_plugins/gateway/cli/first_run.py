"""The first minute with a gateway: its first key, and what to type next."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from secrets import token_urlsafe

from cognitude_plugins.gateway.auth import BOOTSTRAP_VARIABLE
from cognitude_plugins.gateway.settings import Key


def first_key(keys: Sequence[Key], environ: MutableMapping[str, str]) -> str | None:
    """A fresh key, put into the environment for this process and its workers, when there is none; else None.

    256 random bits. It is not written anywhere: it is good until the gateway is restarted.
    """
    if keys or environ.get(BOOTSTRAP_VARIABLE):
        return None
    environ[BOOTSTRAP_VARIABLE] = key = f"cog_{token_urlsafe(32)}"
    return key


def refuse_open_door(key: str | None, host: str) -> None:
    """A key that was just made up guards nothing that strangers can reach. Raises ``ValueError``."""
    if key is not None and not _loopback(host):
        raise ValueError(
            f"listening on {host} needs a key of your own: set gateway.keys or {BOOTSTRAP_VARIABLE}; "
            "without one the gateway listens on 127.0.0.1 only"
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def banner(config: Path, url: str, key: str | None, model: str, environ: Mapping[str, str]) -> str:
    """What ``cognitude serve`` prints: the address, the key if it is new, and a first request in curl and Python.

    ``model`` is a name that the configuration knows.
    """
    said = (
        "" if key is None else f"\nkey      {key}\n         (good until restart; set {BOOTSTRAP_VARIABLE} to keep one)"
    )
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
