"""Everything one configuration makes: built without I/O, opened in order, closed in reverse."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway.runtime import build
from hooks import Call, ConfigError, Gateway, Job, PluginError, Reply, hookimpl
from tests.gateway.calls import YAML, Client, Upstream, Watcher, runtime_of, whole


def opening(name: str, log: list[str], fail: BaseException | None = None) -> Any:
    @hookimpl
    @asynccontextmanager
    async def lifespan(self: Any, gateway: Gateway) -> AsyncIterator[None]:
        assert gateway.data_dir.is_dir()
        log.append(f"{name} opened")
        if fail is not None:
            raise fail
        yield
        log.append(f"{name} closed")

    return type(name, (), {"lifespan": lifespan})()


async def test_plugins_open_in_the_order_of_the_list_and_close_in_reverse(tmp_path: Path) -> None:
    log: list[str] = []
    runtime = runtime_of(tmp_path, opening("a", log), opening("b", log))
    assert log == []
    assert not runtime.config.data_dir.exists(), "building touches no file"
    await runtime.start()
    await runtime.stop()
    assert log == ["a opened", "b opened", "b closed", "a closed"]


async def test_what_is_made_in_the_data_folder_is_its_owners_only(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path)
    await runtime.start()
    folder = runtime.config.data_dir
    modes = {path.relative_to(folder).as_posix(): path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))}
    await runtime.stop()
    assert {".", "migrate.lock", "secret.key", "cognitude.db", "journal"} <= modes.keys()
    assert set(modes.values()) == {0}, modes


@pytest.mark.parametrize("error", [OSError("no redis"), KeyError("x"), LookupError(), SystemExit(2)])
async def test_what_was_opened_is_closed_when_a_plugin_does_not_start(tmp_path: Path, error: BaseException) -> None:
    log: list[str] = []
    runtime = runtime_of(tmp_path, opening("a", log), opening("b", log, error))
    with pytest.raises(PluginError, match="plugin 'b' did not start"):
        await runtime.start()
    assert log == ["a opened", "b opened", "a closed"]
    assert len(asyncio.all_tasks()) == 1


async def test_jobs_run_while_the_runtime_does(tmp_path: Path) -> None:
    ran: list[int] = []

    class Jobs:
        @hookimpl
        def schedule(self) -> list[Job]:
            async def run() -> None:
                ran.append(1)

            return [Job(name="tick", every=timedelta(milliseconds=20), run=run)]

    runtime = runtime_of(tmp_path, Jobs())
    from cognitude_plugins.gateway.scheduler import Scheduler, collected

    jobs = collected(runtime.manager.hook.schedule.get_hookimpls())
    runtime.scheduler = Scheduler(jobs, runtime.pipeline.faults)
    await runtime.start()
    await asyncio.sleep(0.07)
    await runtime.stop()
    assert ran
    assert len(asyncio.all_tasks()) == 1


async def test_idle_waits_for_calls_and_their_watchers(tmp_path: Path) -> None:
    async def slow(call: Call) -> Reply:
        await asyncio.sleep(0.05)
        return whole()

    watcher = Watcher()
    runtime = runtime_of(tmp_path, watcher, upstream=Upstream(slow))
    task = asyncio.create_task(Client().ask(runtime))
    await asyncio.sleep(0.01)
    assert len(runtime.under_way) == 1
    await runtime.idle()
    assert watcher.only.complete
    await task


async def test_building_touches_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a socket was made")

    text = YAML.replace("pipeline: []", "")
    text = text.replace(
        "models:", "models:\n  - {name: gpt, provider: openai/gpt-4o-mini, api_key: sk-1234567890123456}"
    )
    (tmp_path / "plugins.yaml").write_text(text)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    runtime = build(tmp_path / "plugins.yaml", {"COGNITUDE_BOOTSTRAP_KEY": "first-key-0123456789"})
    assert set(runtime.pipeline.providers) == {"direct", "simulated"}
    assert len(runtime.keyring) == 2


def test_everything_that_is_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "plugins.yaml").write_text(
        "gateway: {listen: {port: 99999}}\nmodels: [{name: a, provider: nobody}]\npipeline: [{use: nothing_such}]\n"
    )
    with pytest.raises(ConfigError) as caught:
        build(tmp_path / "plugins.yaml", {})
    assert {problem.path for problem in caught.value.problems} == {
        "gateway.listen.port",
        "models[0].provider",
        "pipeline[0].use",
    }


async def test_simulated_models_cost_nothing_unless_they_have_a_price(tmp_path: Path) -> None:
    (tmp_path / "plugins.yaml").write_text(YAML)
    runtime = build(tmp_path / "plugins.yaml", {})
    await runtime.start()
    prices = {one.deployment.id: runtime.prices.of(one.deployment) for one in runtime.catalog.models["up"]}
    await runtime.stop()
    assert prices["up"] is not None
    assert prices["up"].input > 0
    assert prices["up#2"] is not None
    assert prices["up#2"].input == 0


def test_reading_a_configuration_loads_no_database_library() -> None:
    """Every command begins with it."""
    heavy = {"sqlalchemy", "sqlmodel", "alembic"}
    code = f"import sys, cognitude_plugins.gateway.runtime; print(*{heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
