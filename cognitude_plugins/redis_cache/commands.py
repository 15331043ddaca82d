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
@remote_options
def stats(url: str, organization: str | None, as_json: bool) -> None:
    """How often answers were given again, and from where."""
    show(Remote(url=url, organization=organization).ask("GET", "/cache/stats"), as_json, _print_stats)


@command.command("clear")
@click.option("--model", metavar="NAME", help="Only answers of this model.")
@click.option("--key", metavar="KEY", help="Only the answer kept under this key.")
@click.option("--older-than", type=int, metavar="SECONDS", help="Only answers older than that.")
@click.option("--dry-run", is_flag=True, help="Only say how many they are.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@remote_options
def clear(
    url: str, organization: str | None, as_json: bool, dry_run: bool, yes: bool, **wanted: str | int | None
) -> None:
    """Delete kept answers: all of the organization, or those that fit everything that is said."""
    gateway = Remote(url=url, organization=organization)
    query = {name: str(value) for name, value in wanted.items() if value is not None}
    if dry_run or not yes:
        found = gateway.ask("DELETE", "/cache", query={**query, "dry_run": "true"})
        if dry_run:
            show(found, as_json, _print_cleared)
            return
        click.confirm(f"Delete {found['answers']} answers of {found['organization']}?", abort=True, err=True)
    show(gateway.ask("DELETE", "/cache", query=query), as_json, _print_cleared)


@command.command("inspect")
@click.argument("key")
@remote_options
def inspect(key: str, url: str, organization: str | None, as_json: bool) -> None:
    """One kept answer; its KEY is in the ledger (cache_key)."""
    from urllib.parse import quote

    found = Remote(url=url, organization=organization).ask("GET", f"/cache/entries/{quote(key, safe='')}")
    show(found, as_json, _print_entry)


def _print_stats(found: Mapping[str, Any]) -> None:
    rate = "-" if found["hit_rate"] is None else f"{found['hit_rate']:.1%}"
    entries = "unknown" if found["total_entries"] is None else f"{found['total_entries']} ({_size(found['bytes'])})"
    rows = [
        ("answers in the database", entries),
        ("in this worker's memory", f"{found['memory_entries']} ({_size(found['memory_bytes'])})"),
        ("hits", str(found["total_hits"])),
        ("coalesced", str(found["total_coalesced"])),
        ("misses", str(found["total_misses"])),
        ("hit rate", rate),
        ("answers in Redis", "not used" if not found["redis_available"] else str(found["redis_entries"])),
    ]
    for layer, one in found["layers"].items():
        if one["hits"]:
            rows.append((f"hits in {layer}", f"{one['hits']}, p50 {one['p50_us']} µs, p99 {one['p99_us']} µs"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name.ljust(width)}{_GAP}{value}")


def _print_cleared(found: Mapping[str, Any]) -> None:
    done = "would be deleted" if found["dry_run"] else "deleted"
    click.echo(f"{found['organization']}: {found['answers']} answers {done} ({_size(found['bytes'])})")


def _print_entry(found: Mapping[str, Any]) -> None:
    import json

    cost = found["cost_nano_usd"]
    price = "unknown" if cost is None else f"{cost / 1e9:.9f}".rstrip("0").rstrip(".") + " USD"
    click.echo(f"model {found['model']}, {found['age']} s old, cost {price}")
    click.echo(json.dumps(found["answer"], indent=2, ensure_ascii=True))


def _size(count: int) -> str:
    """In units of 1024 bytes."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024  # type: ignore[assignment]
    return f"{count:.1f} GiB"
