"""``cognitude cache``: what a running gateway has kept for an organization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from hooks.remote import Remote, remote_options, show

_GAP = "  "


def register(cli: click.Group) -> None:
    cli.add_command(command)


@click.group("cache")
def command() -> None:
    """Show and delete the answers that a running gateway keeps for an organization.

    The key is taken from COGNITUDE_API_KEY, with --organization from COGNITUDE_ADMIN_KEY.
    """


@command.command("stats")
@click.option("--days", type=int, default=30, show_default=True, help="How far back calls are counted.")
@remote_options
def stats(url: str, organization: str | None, as_json: bool, days: int) -> None:
    """How often answers were given again, what that saved, and from where they came."""
    found = Remote(url=url, organization=organization).ask("GET", "/cache/stats", query={"days": str(days)})
    show(found, as_json, _print_stats)


@command.command("clear")
@click.option("--model", metavar="NAME", help="Only answers of this model.")
@click.option("--key", metavar="KEY", help="Only the answer kept under this key.")
@click.option("--older-than", type=int, metavar="SECONDS", help="Only answers older than that.")
@click.option("--shared", is_flag=True, help="Those that all organizations have in common; for gateway admins.")
@click.option("--dry-run", is_flag=True, help="Only say how many they are.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@remote_options
def clear(
    url: str,
    organization: str | None,
    as_json: bool,
    shared: bool,
    dry_run: bool,
    yes: bool,
    **wanted: str | int | None,
) -> None:
    """Delete kept answers: all of the organization, or those that fit everything that is said."""
    if shared and organization is not None:
        raise click.UsageError("--shared answers are of no organization; leave --organization out.")
    gateway, path = Remote(url=url, organization=organization, admin=shared), "/cache/shared" if shared else "/cache"
    query = {name: str(value) for name, value in wanted.items() if value is not None}
    if dry_run or not yes:
        found = gateway.ask("DELETE", path, query={**query, "dry_run": "true"})
        if dry_run:
            show(found, as_json, _print_cleared)
            return
        click.confirm(f"Delete {found['answers']} answers of {_whose(found)}?", abort=True, err=True)
    show(gateway.ask("DELETE", path, query=query), as_json, _print_cleared)


@command.command("inspect")
@click.argument("key")
@remote_options
def inspect(key: str, url: str, organization: str | None, as_json: bool) -> None:
    """One kept answer; its KEY is in the ledger (cache_key)."""
    from urllib.parse import quote

    found = Remote(url=url, organization=organization).ask("GET", f"/cache/entries/{quote(key, safe='')}")
    show(found, as_json, _print_entry)


def _print_stats(found: Mapping[str, Any]) -> None:
    worker = found["worker"]
    rows = [
        (f"calls in {found['days']} days", _known(found["total_calls"])),
        ("from the cache", f"{_known(found['total_hits'])} ({_share(found['hit_rate'])})"),
        ("saved", _usd(found["saved_nano_usd"])),
        ("answers in the database", f"{_known(found['total_entries'])} ({_size(found['bytes'])})"),
        ("answers in Redis", _known(found["redis_entries"]) if found["redis_available"] else "not used"),
        ("this worker's memory", f"{worker['memory_entries']} ({_size(worker['memory_bytes'])})"),
        ("this worker's hits", f"{worker['hits']} ({_share(worker['hit_rate'])} with {worker['coalesced']} coalesced, "
                               f"{worker['stale']} stale)"),
        ("this worker's misses", str(worker["misses"])),
    ]  # fmt: skip
    for layer, one in worker["layers"].items():
        if one["hits"]:
            rows.append((f"hits in {layer}", f"{one['hits']}, p50 {one['p50_us']} µs, p99 {one['p99_us']} µs"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name.ljust(width)}{_GAP}{value}")


def _print_cleared(found: Mapping[str, Any]) -> None:
    done = "would be deleted" if found["dry_run"] else "deleted"
    click.echo(f"{_whose(found)}: {found['answers']} answers {done} ({_size(found['bytes'])})")


def _whose(found: Mapping[str, Any]) -> str:
    return "all organizations" if found["organization"] == "*" else str(found["organization"])


def _print_entry(found: Mapping[str, Any]) -> None:
    import json

    click.echo(f"model {found['model']}, {found['age']} s old, cost {_usd(found['cost_nano_usd'])}")
    click.echo(json.dumps(found["answer"], indent=2, ensure_ascii=True))


def _known(count: int | None) -> str:
    return "unknown" if count is None else str(count)


def _share(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"


def _usd(nano_usd: int | None) -> str:
    return "unknown" if nano_usd is None else f"{nano_usd / 1e9:.9f}".rstrip("0").rstrip(".") + " USD"


def _size(count: int | None) -> str:
    """In units of 1024 bytes."""
    if count is None:
        return "unknown"
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024  # type: ignore[assignment]
    return f"{count:.1f} GiB"
