"""``cognitude key``: the keys with which clients come; a new secret goes to stdout, once, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from . import config_option, json_option, print_json
from .account_database import checked, now_ms, open_accounts, print_table, read_accounts

if TYPE_CHECKING:
    from cognitude_plugins.gateway.accounts.records import Key
    from cognitude_plugins.gateway.accounts.tokens import Token

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def length(_: click.Context, parameter: click.Parameter, value: str) -> timedelta:
    """``30d``, ``12h``, ``90m``, ``0s``."""
    found = duration(value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no duration: write a number and s, m, h, d or w, as in 24h")
    return found


def expiry(_: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """A duration from now, or a date or time of ISO 8601, in UTC where it does not say."""
    if value is None:
        return None
    try:
        found = duration(value)
        time = datetime.fromisoformat(value) if found is None else datetime.now(UTC) + found
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value!r} is neither a duration, as in 30d, nor a date, as in 2027-01-31") from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def labels_of(_: click.Context, parameter: click.Parameter, values: Sequence[str]) -> Mapping[str, str]:
    """``team=search``, each name once."""
    found: dict[str, str] = {}
    for one in values:
        name, is_there, value = one.partition("=")
        if not is_there:
            raise click.BadParameter(f"{one!r} is no label: write a name and a value, as in team=search")
        if name in found:
            raise click.BadParameter(f"{name!r} is given twice")
        found[name] = value
    return found


def duration(text: str) -> timedelta | None:
    """None for what is not written as one."""
    found = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    return None if found is None else timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.group("key")
def command() -> None:
    """Create, list, rotate and revoke keys. A running gateway goes by it within a second."""


@command.command("create")
@click.option("--organization", help="The organization whose calls are made with it.")
@click.option("--gateway-admin", is_flag=True, help="A key that administers every organization and makes no calls.")
@click.option("--role", type=click.Choice(["admin", "member", "viewer"]), help="By default member.")
@click.option("--user", help="Name of the user it is for, who caps its role.")
@click.option("--models", multiple=True, help="A model it may use, * standing for anything; repeat for more.")
@click.option("--label", help="A note for people.")
@click.option(
    "--labels", multiple=True, metavar="NAME=VALUE", callback=labels_of, help="For programs; repeat for more."
)
@click.option("--expires", callback=expiry, help="30d from now, or a date as in 2027-01-31; by default never.")
@config_option
@json_option
def create(
    organization: str | None,
    gateway_admin: bool,
    role: str | None,
    user: str | None,
    models: tuple[str, ...],
    label: str | None,
    labels: Mapping[str, str],
    expires: datetime | None,
    config: Path,
    as_json: bool,
) -> None:
    """Create a key and print it, once."""
    from cognitude_plugins.gateway.accounts import keys
    from cognitude_plugins.gateway.accounts.actor import OPERATOR
    from cognitude_plugins.gateway.accounts.bodies import NewKeyBody, new_key

    if (organization is None) is not gateway_admin:
        raise click.UsageError("Say either --organization ID or --gateway-admin.")
    if gateway_admin and role is not None:
        raise click.UsageError("A gateway-admin key has no role: leave out --role.")
    values = {"organization": organization, "role": role, "user": user, "label": label, "expires_at": expires}
    body = checked(NewKeyBody, {**values, "models": models or None, "labels": labels})
    with open_accounts(config) as (storage, secrets):
        made, token = storage.write_now(
            lambda connection: keys.create(connection, OPERATOR, secrets, new_key(body, organization), now_ms())
        )
    whose = "gateway-admin key" if gateway_admin else f"key of organization {made.organization}, role {made.role}"
    _hand_over(made, token, as_json, f"{made.id}: {whose}. The secret is not shown again:")


@command.command("list")
@click.option("--organization", help="Only keys of this organization.")
@click.option("--all", "everything", is_flag=True, help="Revoked and expired keys too.")
@config_option
@json_option
def listing(organization: str | None, everything: bool, config: Path, as_json: bool) -> None:
    """List keys, without their secrets."""
    from cognitude_plugins.gateway.accounts import keys, organizations
    from cognitude_plugins.gateway.accounts.actor import OPERATOR, Actor
    from cognitude_plugins.gateway.accounts.objects import key_body
    from cognitude_plugins.gateway.accounts.page import every

    now, actor = now_ms(), Actor(organization=organization, admin=True)
    with read_accounts(config) as (storage, _):
        if organization is not None:
            storage.read_now(lambda connection: organizations.find(connection, OPERATOR, organization))
        found = storage.read_now(lambda connection: every(lambda page: keys.listed(connection, actor, page)))
    shown = [key_body(one, now) for one in found if everything or one.status(now) == "active"]
    if as_json:
        print_json(shown)
        return
    columns = ("id", "organization", "role", "user", "label", "status", "expires_at", "last_used_at")
    headings = [name.removesuffix("_at").replace("_", " ").upper() for name in columns]
    print_table(headings, [[one[name] for name in columns] for one in shown])


@command.command("revoke")
@click.argument("id")
@config_option
@json_option
def revoke(id: str, config: Path, as_json: bool) -> None:
    """End the key ID for ever."""
    from cognitude_plugins.gateway.accounts import keys
    from cognitude_plugins.gateway.accounts.actor import OPERATOR
    from cognitude_plugins.gateway.accounts.objects import key_body

    with open_accounts(config) as (storage, _):
        revoked = storage.write_now(lambda connection: keys.revoke(connection, OPERATOR, id, now_ms(), keep_last=False))
    if as_json:
        print_json(key_body(revoked, now_ms()))
    else:
        click.echo(f"key {revoked.id} is revoked")


@command.command("rotate")
@click.argument("id")
@click.option("--overlap", callback=length, default="24h", show_default=True, help="How long the old secret works.")
@config_option
@json_option
def rotate(id: str, overlap: timedelta, config: Path, as_json: bool) -> None:
    """Give the key ID a new secret and print it, once."""
    from cognitude_plugins.gateway.accounts import keys
    from cognitude_plugins.gateway.accounts.actor import OPERATOR
    from cognitude_plugins.gateway.accounts.bodies import Rotation

    longest = timedelta(seconds=keys.LONGEST_OVERLAP_SECONDS)
    if overlap > longest:
        raise click.BadParameter(f"must not be longer than {longest.days}d", param_hint="--overlap")
    seconds = checked(Rotation, {"overlap_seconds": round(overlap.total_seconds())}).overlap_seconds
    with open_accounts(config) as (storage, secrets):
        rotated, token = storage.write_now(
            lambda connection: keys.rotate(connection, OPERATOR, secrets, id, now_ms(), seconds)
        )
    until = f"works for {overlap} more" if seconds else "works no longer"
    _hand_over(rotated, token, as_json, f"{rotated.id}: the old secret {until}. The new one is not shown again:")


def _hand_over(key: Key, token: Token, as_json: bool, text: str) -> None:
    from cognitude_plugins.gateway.accounts.objects import key_body

    if as_json:
        print_json(key_body(key, now_ms(), token.text))
        return
    click.echo(text, err=True)
    click.echo(token.text.decode("ascii"))
