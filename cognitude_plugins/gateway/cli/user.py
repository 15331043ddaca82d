"""``cognitude user``: the people and programs of an organization for whom keys are made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import config_option, json_option, print_json
from .account_database import checked, now_ms, open_accounts, print_table, read_accounts

if TYPE_CHECKING:
    from cognitude_plugins.gateway.accounts.records import User


@click.group("user")
def command() -> None:
    """Create, list and disable users. A running gateway goes by it within a second."""


@command.command("create")
@click.argument("name")
@click.option("--organization", required=True, metavar="ID", help="Whose user it is.")
@click.option("--role", type=click.Choice(["admin", "member", "viewer"]), help="The most its keys may do; member.")
@config_option
@json_option
def create(name: str, organization: str, role: str | None, config: Path, as_json: bool) -> None:
    """Create the user NAME, which is unique in its organization."""
    from cognitude_plugins.gateway.accounts import users
    from cognitude_plugins.gateway.accounts.actor import OPERATOR
    from cognitude_plugins.gateway.accounts.bodies import NewUser

    body = checked(NewUser, {"name": name, "organization": organization, "role": role})
    with open_accounts(config) as (storage, _):
        made = storage.write_now(
            lambda connection: users.create(
                connection, OPERATOR, organization=organization, name=body.name, role=body.role, now_ms=now_ms()
            )
        )
    _tell(
        made, as_json, f"user {made.name} is there; a key: cognitude key create --organization {organization} --user …"
    )


@command.command("list")
@click.option("--organization", metavar="ID", help="Only users of this organization.")
@config_option
@json_option
def listing(organization: str | None, config: Path, as_json: bool) -> None:
    """List users, disabled ones too."""
    from cognitude_plugins.gateway.accounts import organizations, users
    from cognitude_plugins.gateway.accounts.actor import OPERATOR, Actor
    from cognitude_plugins.gateway.accounts.objects import user_body
    from cognitude_plugins.gateway.accounts.page import every

    actor = Actor(organization=organization, admin=True)
    with read_accounts(config) as (storage, _):
        if organization is not None:
            storage.read_now(lambda connection: organizations.find(connection, OPERATOR, organization))
        found = storage.read_now(lambda connection: every(lambda page: users.listed(connection, actor, page)))
    if as_json:
        print_json([user_body(one) for one in found])
    else:
        rows = [(one.name, one.organization, one.role, one.status, one.id) for one in found]
        print_table(("NAME", "ORGANIZATION", "ROLE", "STATUS", "ID"), rows)


@command.command("disable")
@click.argument("name")
@click.option("--organization", required=True, metavar="ID", help="Whose user it is.")
@config_option
@json_option
def disable(name: str, organization: str, config: Path, as_json: bool) -> None:
    """Refuse all keys of the user NAME."""
    _set_status(name, organization, "disabled", config, as_json)


@command.command("enable")
@click.argument("name")
@click.option("--organization", required=True, metavar="ID", help="Whose user it is.")
@config_option
@json_option
def enable(name: str, organization: str, config: Path, as_json: bool) -> None:
    """Let the keys of the user NAME in again."""
    _set_status(name, organization, "active", config, as_json)


def _set_status(name: str, organization: str, status: str, config: Path, as_json: bool) -> None:
    from cognitude_plugins.gateway.accounts import users
    from cognitude_plugins.gateway.accounts.actor import OPERATOR
    from cognitude_plugins.gateway.accounts.bodies import NewUser

    checked(NewUser, {"name": name, "organization": organization})
    with open_accounts(config) as (storage, _):
        changed = storage.write_now(
            lambda connection: users.change(
                connection, OPERATOR, users.require(connection, organization, name).id, {"status": status}
            )
        )
    _tell(changed, as_json, f"user {changed.name} of {changed.organization} is {changed.status}")


def _tell(user: User, as_json: bool, text: str) -> None:
    from cognitude_plugins.gateway.accounts.objects import user_body

    if as_json:
        print_json(user_body(user))
    else:
        click.echo(text)
