"""``cognitude org``: the organizations whose calls the gateway serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import config_option, json_option, print_json
from .account_database import checked, now_ms, open_accounts, print_table, read_accounts


@click.group("org")
def command() -> None:
    """Create, list and disable organizations. A running gateway goes by it within a second."""


@command.command("create")
@click.argument("name")
@click.option("--id", "id", help="What calls, keys and the ledger name it by; by default made of the name.")
@click.option("--time-zone", help="In which its days begin, as in Europe/Berlin; by default UTC.")
@config_option
@json_option
def create(name: str, id: str | None, time_zone: str | None, config: Path, as_json: bool) -> None:
    """Create the organization NAME."""
    from cognitude_plugins.gateway.accounts import organizations
    from cognitude_plugins.gateway.accounts.bodies import NewOrganization

    body = checked(NewOrganization, {"name": name, "id": id, "time_zone": time_zone})
    with open_accounts(config) as (storage, _):
        made = storage.write_now(
            lambda connection: organizations.create(
                connection, name=body.name, id=body.id, time_zone=body.time_zone, now_ms=now_ms()
            )
        )
    _tell(
        made, as_json, f"organization {made.id} is there; a key for it: cognitude key create --organization {made.id}"
    )


@command.command("list")
@config_option
@json_option
def listing(config: Path, as_json: bool) -> None:
    """List all organizations."""
    from cognitude_plugins.gateway.accounts import organizations
    from cognitude_plugins.gateway.accounts.actor import OPERATOR
    from cognitude_plugins.gateway.accounts.objects import organization_body
    from cognitude_plugins.gateway.accounts.page import every

    with read_accounts(config) as (storage, _):
        found = storage.read_now(
            lambda connection: every(lambda page: organizations.listed(connection, OPERATOR, page))
        )
    if as_json:
        print_json([organization_body(one) for one in found])
    else:
        print_table(("ID", "NAME", "STATUS", "TIME ZONE"), [(o.id, o.name, o.status, o.time_zone) for o in found])


@command.command("disable")
@click.argument("id")
@config_option
@json_option
def disable(id: str, config: Path, as_json: bool) -> None:
    """Refuse all keys of the organization ID. Its rows in the ledger stay."""
    _set_status(id, "disabled", config, as_json)


@command.command("enable")
@click.argument("id")
@config_option
@json_option
def enable(id: str, config: Path, as_json: bool) -> None:
    """Let the keys of the organization ID in again."""
    _set_status(id, "active", config, as_json)


def _set_status(id: str, status: str, config: Path, as_json: bool) -> None:
    from cognitude_plugins.gateway.accounts import organizations
    from cognitude_plugins.gateway.accounts.actor import OPERATOR

    with open_accounts(config) as (storage, _):
        changed = storage.write_now(
            lambda connection: organizations.change(connection, OPERATOR, id, {"status": status})
        )
    _tell(changed, as_json, f"organization {changed.id} is {changed.status}")


def _tell(organization: Any, as_json: bool, text: str) -> None:
    from cognitude_plugins.gateway.accounts.objects import organization_body

    if as_json:
        print_json(organization_body(organization))
    else:
        click.echo(text)
