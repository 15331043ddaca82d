"""The first minute with a gateway: its first key, and what to type next."""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from pathlib import Path
from secrets import token_urlsafe

from cognitude_plugins.gateway.auth import BOOTSTRAP_VARIABLE, Keyring
from hooks import ConfigError


def first_key(keyring: Keyring, environ: MutableMapping[str, str]) -> str | None:
    """A fresh key, put into the environment for this process and its workers, when there is none; else None.

    256 random bits. It is not written anywhere: it is good until the gateway is restarted.
    """
    if len(keyring):
        return None
    environ[BOOTSTRAP_VARIABLE] = key = f"cog_{token_urlsafe(32)}"
    return key


def refuse_open_door(key: str | None, host: str) -> None:
    """A key that was just made up guards nothing that strangers can reach. Raises `ConfigError`."""
    if key is not None and not _loopback(host):
        raise ConfigError(
            f"listening on {host} needs a key of your own: set gateway.keys or {BOOTSTRAP_VARIABLE}; "
            "without one the gateway listens on 127.0.0.1 only"
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def banner(config: Path, host: str, port: int, key: str | None, environ: MutableMapping[str, str]) -> str:
    """What ``cognitude serve`` prints: the address, the key if it is new, and a first request in curl and Python."""
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}"
    said = (
        "" if key is None else f"\nkey      {key}\n         (good until restart; set {BOOTSTRAP_VARIABLE} to keep one)"
    )
    secret = key or "$" + BOOTSTRAP_VARIABLE if BOOTSTRAP_VARIABLE in environ else "YOUR_KEY"
    return f"""
Cognitude is serving {config}
address  {url}{said}
docs     {url}/docs

curl {url}/v1/chat/completions \\
  -H "Authorization: Bearer {secret}" -H "Content-Type: application/json" \\
  -d '{{"model": "sim", "messages": [{{"role": "user", "content": "Hello"}}]}}'

from openai import OpenAI
client = OpenAI(base_url="{url}/v1", api_key="{secret}")
answer = client.chat.completions.create(model="sim", messages=[{{"role": "user", "content": "Hello"}}])
print(answer.choices[0].message.content)
"""
