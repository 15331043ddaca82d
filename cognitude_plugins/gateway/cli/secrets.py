"""``cognitude secrets``: the gateway's secret keys, and what is stored under them."""

from __future__ import annotations

from pathlib import Path

import click

from . import config_option, json_option, print_json
from .account_database import now_ms, open_accounts, print_table, read_accounts


@click.group("secrets")
def command() -> None:
    """Encrypt what is stored under the current secret key, and see what still needs an older one.

    To change the secret: put the new one in front of the old one in gateway.secret_keys, restart every gateway, run
    `cognitude secrets rotate`, rotate the client keys that `cognitude secrets list` still counts under the old one,
    and take the old one out.
    """


@command.command("list")
@config_option
@json_option
def listing(config: Path, as_json: bool) -> None:
    """List the secret keys by their ids, and what is stored under each."""
    from cognitude_plugins.gateway.accounts.secret_uses import uses
    from cognitude_plugins.gateway.books import secrets_of

    with read_accounts(config) as (storage, settings):
        file = settings.data_dir / "secret.key"
        if not settings.gateway.secret_keys and not file.exists():
            raise click.ClickException(f"there is no secret key yet: the gateway makes {file} when it starts")
        secrets = secrets_of(settings)
        found = storage.read_now(lambda connection: uses(connection, secrets, now_ms()))
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    rows = [(one.id, one.state, str(one.client_keys), str(one.provider_credentials)) for one in found]
    print_table(("ID", "STATE", "CLIENT KEYS", "PROVIDERS' KEYS"), rows)


@command.command("rotate")
@config_option
@json_option
@click.pass_context
def rotate(ctx: click.Context, config: Path, as_json: bool) -> None:
    """Encrypt every provider's key under the current secret key. Exit code 1 if one cannot be opened.

    The digests of client keys stay under the secret they were made with until the keys themselves are rotated: without
    the keys there is nothing to make new ones of.
    """
    from cognitude_plugins.gateway.accounts.credential_store import reseal
    from cognitude_plugins.gateway.accounts.secret_uses import uses

    with open_accounts(config) as (storage, secrets):
        done, failed = storage.write_now(lambda connection: reseal(connection, secrets), patient=True)
        found = storage.read_now(lambda connection: uses(connection, secrets, now_ms()))
    older = sum(one.client_keys for one in found if one.id != secrets.current.id)
    if as_json:
        print_json({"secret_key": secrets.current.id, "resealed": done, "unreadable": failed, "older_keys": older})
    else:
        click.echo(f"{done} providers' keys encrypted anew under the secret key {secrets.current.id}")
        if older:
            click.echo(f"{older} client keys still need an older one, until they are rotated or revoked")
    if failed:
        click.echo(f"{failed} providers' keys cannot be opened: their secret key is not configured", err=True)
        ctx.exit(1)
