"""``cognitude explain``: the compiled pipeline, as it will run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from hooks import ConfigError

from . import config_option, json_option, print_json


@click.command("explain")
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, config: Path, as_json: bool) -> None:
    """Show the compiled pipeline: what runs at each stage, in which order, under which policy."""
    from cognitude_plugins.gateway.runtime import build

    try:
        runtime = build(config, os.environ)
    except ConfigError as error:
        click.echo(str(error), err=True)
        ctx.exit(1)
    explained = explanation(runtime)
    if as_json:
        print_json(explained)
    else:
        _print(explained)


def explanation(runtime: Any) -> dict[str, Any]:
    """Stages with their steps in running order, contributions by plugin, models with their deployments."""
    stages: dict[str, list[dict[str, Any]]] = {"pre_request": [], "route": [], "post_response": [], "schedule": []}
    for line in runtime.pipeline.lines:
        policy = line.policy
        stages[line.stage].append(
            {
                "plugin": policy.plugin,
                "use": line.use,
                "mode": policy.mode,
                "on_error": policy.on_error,
                "timeout": policy.timeout,
            }
        )
    for hook in runtime.manager.hook.schedule.get_hookimpls():
        stages["schedule"].append({"plugin": hook.plugin_name})
    return {
        "stages": stages,
        "plugins": [
            {"plugin": entry.name, "use": entry.entry.use, "mode": entry.mode, "origin": entry.origin}
            for entry in runtime.loaded
        ],
        "models": {
            name: [
                {
                    "id": target.deployment.id,
                    "provider": target.deployment.provider,
                    "upstream_model": target.deployment.upstream_model,
                    "transport": target.deployment.transport,
                }
                for target in targets
            ]
            for name, targets in runtime.catalog.models.items()
        },
        "services": {role: str(runtime.config.services.redis_url(role)) for role in ("redis", "cache")},
    }


def _print(explained: dict[str, Any]) -> None:
    for stage, steps in explained["stages"].items():
        if stage == "schedule" and not steps:
            continue
        click.echo(f"{stage}{_DIRECTIONS.get(stage, '')}")
        for number, step in enumerate(steps, 1):
            click.echo(f"  {number}. {step['plugin']}{_policy(step)}")
        if not steps:
            click.echo("  (nothing)")
        if stage == "route":
            click.echo("provider")
    off = [entry["plugin"] for entry in explained["plugins"] if entry["mode"] == "off"]
    if off:
        click.echo(f"off: {', '.join(off)}")
    click.echo("models")
    for name, deployments in explained["models"].items():
        where = " > ".join(f"{one['provider']}/{one['upstream_model']} ({one['transport']})" for one in deployments)
        click.echo(f"  {name}: {where}")
    for role, where in explained["services"].items():
        click.echo(f"{role}: {where}")


_DIRECTIONS = {"pre_request": " (down the list)", "route": " (down the list)", "post_response": " (up the list)"}


def _policy(step: dict[str, Any]) -> str:
    if "mode" not in step:
        return ""
    timeout = f", timeout {step['timeout']:g} s" if step["timeout"] is not None else ""
    use = f" ({step['use']})" if step["use"] != step["plugin"] else ""
    return f"{use}: {step['mode']}, on error {step['on_error']}{timeout}"
