"""The accounts for commands that change them directly, whether or not a gateway is running."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .database import open_storage

if TYPE_CHECKING:
    from pydantic import BaseModel

    from cognitude_plugins.gateway.accounts.secret_keys import SecretKeys
    from cognitude_plugins.gateway.config import Config
    from cognitude_plugins.gateway.storage.database import Storage

Model = TypeVar("Model", bound="BaseModel")


@contextmanager
def open_accounts(config: Path) -> Iterator[tuple[Storage, SecretKeys]]:
    """The database, and the secret keys under which it is to be written: those that the gateway itself uses.

    What is refused within the ``with`` is said as a `click.ClickException`.
    """
    from cognitude_plugins.gateway.accounts.secret_keys import agree
    from cognitude_plugins.gateway.books import secrets_of

    with open_storage(config, os.environ, migrate=True) as (found, storage), _told():
        secrets = secrets_of(found)
        storage.write_now(lambda connection: agree(connection, secrets))
        yield storage, secrets


@contextmanager
def read_accounts(config: Path) -> Iterator[tuple[Storage, Config]]:
    """The database for commands that only read: nothing is made or changed."""
    with open_storage(config, os.environ, migrate=False) as (found, storage), _told():
        yield storage, found


@contextmanager
def _told() -> Iterator[None]:
    from cognitude_plugins.gateway.accounts.refusals import Refusal

    try:
        yield
    except Refusal as refusal:
        raise click.ClickException(_said(refusal.message, refusal.param)) from None


def checked(model: type[Model], values: Mapping[str, Any]) -> Model:
    """The values under the rules of the API's body, without those that are None. What is wrong is named as typed in."""
    from pydantic import ValidationError

    try:
        return model.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        raise click.ClickException(f"{_typed(name)}: {first['msg']}") from None


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
    """In columns as wide as their widest value."""
    lines = [headings, *([value or "-" for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        click.echo("  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip())


def now_ms() -> int:
    return round(time.time() * 1000)


def _typed(field: str) -> str:
    """The option or argument of the command that runs for a field of the API: ``--expires`` for ``expires_at``."""
    context = click.get_current_context(silent=True)
    for parameter in () if context is None else context.command.params:
        if parameter.name and (field == parameter.name or field.startswith(f"{parameter.name}_")):
            return parameter.opts[0] if isinstance(parameter, click.Option) else parameter.name.upper()
    return field


def _said(message: str, param: str | None) -> str:
    if param == "organization" and message.startswith("There is no") and "Did you mean" not in message:
        return f"{message} Make it with `cognitude org create`."
    return message
