"""A running gateway's API for a plugin's commands: what it refuses, and that it is not there, said in one line.

click and httpx are imported when a command asks: nobody else needs them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

ADMIN_VARIABLE: Final = "COGNITUDE_ADMIN_KEY"
KEY_VARIABLE: Final = "COGNITUDE_API_KEY"
_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """With ``organization`` or ``admin`` it comes as a gateway admin, with the key in ``COGNITUDE_ADMIN_KEY``, else
    with that in ``COGNITUDE_API_KEY``. Keys are never shown. ``seconds`` is how long an answer is waited for.
    """

    url: str
    organization: str | None = None
    admin: bool = False
    seconds: float = _SECONDS

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        public: bool = False,
    ) -> Any:
        """The answer's JSON; what is ``public`` is asked without a key. Raises `click.ClickException`."""
        import click
        import httpx

        given = {"organization": None if public else self.organization, **(query or {})}
        params = {name: value for name, value in given.items() if value}
        headers = {} if public else {"authorization": f"Bearer {_key(self.admin or self.organization is not None)}"}
        try:
            found = httpx.request(
                method, self.url.rstrip("/") + path, params=params, json=body, headers=headers, timeout=self.seconds
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise click.ClickException(f"{self.url!r} is no URL of a gateway") from None
        except httpx.TransportError as error:
            raise click.ClickException(f"no gateway answers at {self.url}: {error}") from None
        return _answered(found)


def remote_options(function: Callable[..., None]) -> Callable[..., None]:
    """Options of a command: ``url`` and ``organization``, of which it makes its `Remote`, and ``as_json``."""
    import click

    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead."),
        click.option("--organization", metavar="ID", help="As a gateway admin: of which organization."),
        click.option(
            "--url",
            default="http://127.0.0.1:8080",
            envvar="COGNITUDE_URL",
            show_default=True,
            help="The gateway; COGNITUDE_URL says so too.",
        ),
    ):
        function = option(function)
    return function


def show(found: Any, as_json: bool, otherwise: Callable[[Any], None]) -> None:
    """Print an answer as JSON, or as ``otherwise`` does for people."""
    import click

    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        otherwise(found)


def _key(admin: bool) -> str:
    import click

    variable = ADMIN_VARIABLE if admin else KEY_VARIABLE
    key = os.environ.get(variable, "").strip()
    if not key:
        kind = "a gateway-admin key" if admin else "a key of the organization"
        hint = "" if admin else f", or say --organization with a gateway-admin key in {ADMIN_VARIABLE}"
        raise click.ClickException(f"put {kind} into {variable}{hint}")
    if not key.isascii() or not key.isprintable():
        raise click.ClickException(f"what is in {variable} is no key")
    return key


def _answered(found: Any) -> Any:
    import click

    try:
        body = found.json()
    except ValueError:
        body = None
    if found.is_success and body is not None:
        return body
    try:
        message = str(body["error"]["message"])
    except (TypeError, KeyError):
        message = "what answers there is no gateway with this plugin in its pipeline"
    raise click.ClickException(f"{_plain(message)} (status {found.status_code})")


def _plain(text: str) -> str:
    """Without what would change the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
