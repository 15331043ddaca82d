"""``cognitude ratelimit``: the limits of an organization in a running gateway, which is where the counters are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from hooks.remote import Remote, remote_options, show

if TYPE_CHECKING:
    from .settings import Limit

_CONFIG: Final = "/rate-limits/config"
_SCOPES: Final = ("organization", "key", "user", "address", "model", "provider")
_UNITS: Final = ("requests", "tokens", "cost_usd", "concurrency")
_PERIODS: Final = ("second", "minute", "hour", "day", "week", "month")
_WINDOWS: Final = ("sliding", "calendar", "bucket")


def register(cli: click.Group) -> None:
    cli.add_command(command)


@click.group("ratelimit")
def command() -> None:
    """Show, set and reset the rate limits of an organization in a running gateway.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@command.command("status")
@click.option("--key", metavar="ID", help="Of this key.")
@click.option("--user", metavar="NAME", help="Of this user.")
@click.option("--address", metavar="IP", help="Of this client address.")
@click.option("--model", metavar="NAME", help="Of this model, and its provider.")
@remote_options
def status(url: str, organization: str | None, as_json: bool, **names: str | None) -> None:
    """How much of each limit is used. Without options: of the key that asks."""
    from .printed import print_usage

    found = _client(url, organization).ask("GET", "/rate-limits/usage", query=_given(names))
    show(found, as_json, print_usage)


@command.command("config")
@click.option("--key", metavar="ID", help="Of this key.")
@remote_options
def config(url: str, organization: str | None, as_json: bool, key: str | None) -> None:
    """The limits in force, and who set them."""
    from .printed import print_config

    show(_client(url, organization).ask("GET", _CONFIG, query=_given({"key": key})), as_json, print_config)


@command.command("set")
@click.option("--scope", type=click.Choice(_SCOPES), help="By default organization; with --key it is key.")
@click.option("--unit", type=click.Choice(_UNITS), required=True)
@click.option("--per", type=click.Choice(_PERIODS), help="Not of concurrency.")
@click.option("--limit", help="How much in that time.")
@click.option("--window", type=click.Choice(_WINDOWS), help="By default sliding.")
@click.option("--burst", help="Of a bucket, how much it holds.")
@click.option("--models", multiple=True, help="Only of this model, * standing for anything; repeat for more.")
@click.option("--key", metavar="ID", help="For this key alone.")
@click.option("--remove", is_flag=True, help="Take this limit out again.")
@remote_options
def set_limit(
    url: str, organization: str | None, as_json: bool, key: str | None, remove: bool, limit: str | None, **values: Any
) -> None:
    """Set one limit, or change it if it is there; the others stay.

    With --organization a gateway admin sets it in place of the same limit of plugins.yaml. An organization's own
    admins set limits of their own, which hold beside all others.
    """
    from .printed import print_config

    if (limit is None) is not remove:
        raise click.UsageError("Say either --limit or --remove.")
    one = _checked({**values, "scope": values["scope"] or ("key" if key else "organization"), "limit": limit or "1"})
    client, query = _client(url, organization), _given({"key": key})
    layer = _layer(client.ask("GET", _CONFIG, query=query))
    changed = _without(layer, one) if remove else _with(layer, one)
    show(client.ask("PUT", _CONFIG, query=query, body={"limits": changed}), as_json, print_config)


@command.command("reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@remote_options
def reset(url: str, organization: str | None, as_json: bool, yes: bool) -> None:
    """Begin to count anew.

    A gateway admin resets all counters of the organization, its own admins those of the limits it has set for itself.
    """
    if not yes:
        whose = f"all counters of {organization}" if organization else "the counters of your organization's own limits"
        click.confirm(f"Reset {whose}?", abort=True)
    show(_client(url, organization).ask("POST", "/rate-limits/reset", body={}), as_json, _print_reset)


def _client(url: str, organization: str | None) -> Remote:
    return Remote(url=url, organization=organization)


def _given(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _checked(values: Mapping[str, Any]) -> Limit:
    """Under the rules that the gateway has too."""
    from pydantic import ValidationError

    from hooks.endpoint import explained

    from .settings import Limit

    given = {name: value for name, value in values.items() if value}
    given = {name: list(value) if name == "models" else value for name, value in given.items()}
    try:
        return Limit.model_validate(given)
    except ValidationError as error:
        param, text = explained(error)
        raise click.ClickException(f"{param}: {text}" if param else text) from None


def _layer(found: Any) -> list[Any]:
    """The limits that the key may change."""
    if found["writes"] is None:
        raise click.ClickException("the limits are set by keys of role admin; this one's role is lower")
    layer = found["layers"][found["writes"]]
    limits: list[Any] = [] if layer is None else layer["limits"]
    return limits


def _with(limits: list[Any], one: Limit) -> list[Any]:
    new = one.model_dump(mode="json")
    there = [_is(limit, one) for limit in limits]
    return [new if same else limit for limit, same in zip(limits, there, strict=True)] + ([] if any(there) else [new])


def _without(limits: list[Any], one: Limit) -> list[Any]:
    left = [limit for limit in limits if not _is(limit, one)]
    if len(left) == len(limits):
        raise click.ClickException("this limit is not set here; see `cognitude ratelimit config`")
    return left


def _is(limit: Any, one: Limit) -> bool:
    from .rules import identity
    from .settings import Limit

    other = Limit.model_validate(limit)
    return (other.scope, identity(other)) == (one.scope, identity(one))


def _print_reset(found: Any) -> None:
    what = "all counters" if found["counters"] == "all" else "the counters of the organization's own limits"
    click.echo(f"{found['organization']}: {what} begin anew")
