"""``cognitude cost budget`` and ``cognitude cost alerts``: budgets and cost alerts of a running gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from hooks.remote import Remote, remote_options, show

_PATH: Final = "/alerts/budgets"
_SCOPES: Final = ("organization", "key", "user", "tag", "provider")
_PERIODS: Final = ("day", "week", "month", "total")


def register(cli: click.Group) -> None:
    """Into the group ``cost``, which another plugin may have made already."""
    from .cost_alerts import alerts

    group = cli.commands.get("cost")
    if not isinstance(group, click.Group):
        group = click.Group("cost", help="What is spent, and what may be.")
        cli.add_command(group)
    group.add_command(budget)
    group.add_command(alerts)


@click.group("budget")
def budget() -> None:
    """Amounts that may be spent, and how far they are.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@budget.command("set")
@click.argument("name")
@click.option("--amount", metavar="USD", help="How much; needed for a new one.")
@click.option("--per", type=click.Choice(_PERIODS), help="In which time; needed for a new one.")
@click.option("--since", metavar="DAY", help="Of a total, the first day; today without it.")
@click.option("--scope", type=click.Choice(_SCOPES), help="Whose spending; by default all of the organization's.")
@click.option("--value", metavar="WHICH", help="The key's id, the user, name=value of the tag, or the provider.")
@click.option("--hard/--soft", default=None, help="Refuse calls beyond it, or only alert.")
@click.option("--status", type=click.Choice(("402", "429")), help="Of those refusals.")
@click.option(
    "--threshold", "thresholds", multiple=True, metavar="PERCENT", help="Alert at this per cent; repeat for more."
)
@click.option("--forecast/--no-forecast", default=None, help="Alert when it is forecast to be exceeded.")
@click.option("--channel", "channels", multiple=True, metavar="NAME", help="Alert this channel; repeat for more.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it counts at all.")
@remote_options
def set_budget(name: str, url: str, organization: str | None, as_json: bool, **options: Any) -> None:
    """Set a budget, or change the one of this name; what is not said stays.

    Whose spending of which time it is of cannot be changed: delete it, and set another one.
    """
    from .view import print_budgets

    given = _given(options)
    client = Remote(url=url, organization=organization)
    there = named(client, name)
    if there is None:
        missing = [f"--{option}" for option, field in (("amount", "amount_usd"), ("per", "per")) if field not in given]
        if missing:
            raise click.UsageError(f"there is no budget {name!r} yet: a new one needs {' and '.join(missing)}.")
        found = client.ask("POST", _PATH, body={"name": name, **given})
    else:
        found = client.ask("PATCH", f"{_PATH}/{there['id']}", body=_changes(there, given))
    show(found, as_json, lambda one: print_budgets([one]))


@budget.command("check")
@remote_options
def check(url: str, organization: str | None, as_json: bool) -> None:
    """How far each budget is. The exit code is 1 if one is exceeded, or the gateway cannot be asked."""
    from .view import print_budgets

    found = Remote(url=url, organization=organization).ask("GET", _PATH)
    show(found, as_json, lambda all_of_them: print_budgets(all_of_them["data"]))
    if any(one["standing"] and one["standing"]["state"] == "exceeded" for one in found["data"]):
        raise SystemExit(1)


@budget.command("delete")
@click.argument("name")
@remote_options
def delete(name: str, url: str, organization: str | None, as_json: bool) -> None:
    """Delete a budget; its alerts are resolved."""
    client = Remote(url=url, organization=organization)
    there = named(client, name)
    if there is None:
        raise click.ClickException(f"there is no budget {name!r}; see `cognitude cost budget check`")
    found = client.ask("DELETE", f"{_PATH}/{there['id']}")
    show(found, as_json, lambda _: click.echo(f"{name} is deleted"))


def named(client: Remote, name: str) -> Any:
    """The budget of this name, or None."""
    return next((one for one in client.ask("GET", _PATH)["data"] if one["name"] == name), None)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as the API has them."""
    found = {name: value for name, value in options.items() if value not in (None, ())}
    if "amount" in found:
        found["amount_usd"] = found.pop("amount")
    if "status" in found:
        found["status"] = int(found["status"])
    for name in ("thresholds", "channels"):
        if name in found:
            found[name] = list(found[name])
    return found


def _changes(there: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Raises `click.ClickException` for what makes it another budget."""
    fixed: Sequence[str] = ("per", "since", "scope", "value")
    for name in fixed:
        if name in given and given[name] != there[name]:
            raise click.ClickException(
                f"the budget {there['name']!r} has {name} {there[name]!r}, which cannot be changed to {given[name]!r}: "
                "delete it, and set another one"
            )
    return {name: value for name, value in given.items() if name not in fixed}
