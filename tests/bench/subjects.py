"""Who is measured: the command that starts each, and the request it answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
PEERS: Final = ROOT / ".venv" / "peers" / "bin"
KEY: Final = "sk-bench-4f1d9ae07c52b86310de5a7794c2f08b"
ADMIN_KEY: Final = "sk-bench-admin-77c1e02b94fd4a6b8d35"
CHAT: Final = "/v1/chat/completions"

_WINDOWS: Final = ("minute", "hour", "day")
_COGNITUDE: Final = (sys.executable, "-m", "cognitude_plugins.gateway.cli")
_UVICORN: Final = (
    *("-m", "uvicorn", "--port", "{port}", "--loop", "uvloop", "--http", "httptools"),
    *("--no-access-log", "--log-level", "warning"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where a request goes. ``port`` is None for the subject's own; ``paced`` is the model that takes its time.

    ``status`` is what is answered, but for the first call, which is let through.
    """

    path: str = CHAT
    model: str = "echo"
    port: int | None = None
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """``command`` with ``{port}`` where its port goes. ``paced`` is None where there is no paced stream to relay,
    ``large`` where there are no embeddings to ask for.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    door: Door = Door()
    paced: Door | None = None
    other: Door | None = None
    large: Door | None = None
    starts_within: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstreams:
    """Ports of the simulated models: one as fast as it can, one with a pause between chunks."""

    fast: int
    paced: int


def simulate(chunk_ms: float = 0.0, latency_ms: float = 0.0) -> tuple[str, ...]:
    pace = ("--chunk-ms", str(chunk_ms), "--latency-ms", str(latency_ms))
    return (*_COGNITUDE, "simulate", "--port", "{port}", *pace)


def direct(upstreams: Upstreams) -> Subject:
    """The simulated model itself, a third of its kind: what the others add is added to this."""
    return Subject(name="direct", command=simulate(), paced=Door(port=upstreams.paced))


def floor(upstreams: Upstreams, client: str = "aiohttp", python: str = sys.executable) -> Subject:
    return Subject(
        name="floor" if client == "aiohttp" else client,
        command=(python, *_UVICORN, "tests.bench.floor:app"),
        env={
            "BENCH_CLIENT": client,
            "BENCH_UPSTREAM": f"http://127.0.0.1:{upstreams.fast}/v1",
            "BENCH_PACED": f"http://127.0.0.1:{upstreams.paced}/v1",
        },
        paced=Door(path="/paced" + CHAT),
    )


def gateway(name: str, upstreams: Upstreams, folder: Path, pipeline: str, services: str = "") -> Subject:
    """``cognitude serve`` with this pipeline (YAML) and the two upstreams as its models."""
    text = f"{services}models:\n{_models(upstreams)}pipeline:\n{pipeline}\n"
    return _serving(name, _written(folder, name, text))


def _serving(name: str, config: str) -> Subject:
    command = (*_COGNITUDE, "serve", "--config", config, "--port", "{port}", "--log-level", "warning")
    keys = {"COGNITUDE_BOOTSTRAP_KEY": KEY, "COGNITUDE_ADMIN_KEY": ADMIN_KEY}
    return Subject(name=name, command=command, env=keys, paced=Door(model="echo-paced"))


def empty(upstreams: Upstreams, folder: Path) -> Subject:
    return gateway("empty", upstreams, folder, "  []")


def with_ledger_in(url: str, name: str, upstreams: Upstreams, folder: Path, days: int = 7) -> Subject:
    """The same with this database, in which single calls are kept for so many days. ``ADMIN_KEY`` is let in too."""
    retention = f"{{rows: {days}, minutes: {max(days, 30)}, hours: {max(days, 90)}}}"
    text = f"services:\n  database: '{url}'\nmodels:\n{_models(upstreams)}pipeline: []\n"
    return _serving(name, _written(folder, name, text, f"  ledger: {{retention: {retention}}}\n"))


def unaccounted(upstreams: Upstreams, folder: Path) -> Subject:
    """The same without authentication and accounting."""
    one = gateway("unaccounted", upstreams, folder, "  []")
    config = one.command[one.command.index("--config") + 1]
    return replace(one, command=(sys.executable, "-m", "tests.bench.unaccounted", config, "{port}"))


def noop10(upstreams: Upstreams, folder: Path) -> Subject:
    source = Path(__file__).with_name("noop.py")
    (folder / source.name).write_bytes(source.read_bytes())
    entries = [f"  - {{use: ./noop.py:Noop, name: noop{number}}}" for number in range(10)]
    return gateway("noop10", upstreams, folder, "\n".join(entries))


def builtin(upstreams: Upstreams, folder: Path) -> Subject:
    return gateway("builtin", upstreams, folder, "  - use: request_defaults\n  - use: redact")


_HUGE: Final = "limit: 1000000000"


def limited(upstreams: Upstreams, folder: Path, *, redis: bool = False) -> Subject:
    """The limiter's default limits, so high that nothing is refused; counted in the process or in a Redis beside it."""
    windows = ", ".join(f"{{scope: organization, unit: requests, per: {per}, {_HUGE}}}" for per in _WINDOWS)
    pipeline = f"  - use: limiter\n    config: {{limits: [{windows}]}}"
    services = "services: {redis: embedded}\n" if redis else ""
    return gateway("limited-redis" if redis else "limited", upstreams, folder, pipeline, services)


def limited4(upstreams: Upstreams, folder: Path) -> Subject:
    """The four limits of the limiter's README, so high that nothing is refused."""
    limits = ", ".join(
        (
            f"{{scope: organization, unit: requests, per: minute, {_HUGE}}}",
            f"{{scope: organization, unit: tokens, per: minute, {_HUGE}}}",
            "{scope: key, unit: cost_usd, per: day, limit: 100000, window: calendar}",
            f"{{scope: organization, unit: concurrency, {_HUGE}}}",
        )
    )
    return gateway("limited4", upstreams, folder, f"  - use: limiter\n    config: {{limits: [{limits}]}}")


def refused(upstreams: Upstreams, folder: Path) -> Subject:
    """Every call but the first is over the limit."""
    limit = "{scope: organization, unit: requests, per: day, limit: 1}"
    one = gateway("refused", upstreams, folder, f"  - use: limiter\n    config: {{limits: [{limit}]}}")
    return replace(one, door=Door(status=429), paced=None)


def turned_away(upstreams: Upstreams, folder: Path) -> Subject:
    """The least that refusing can cost: a plugin that answers every call but the first with the same 429."""
    source = Path(__file__).with_name("turning_away.py")
    (folder / source.name).write_bytes(source.read_bytes())
    one = gateway("turned-away", upstreams, folder, "  - use: ./turning_away.py:TurningAway")
    return replace(one, door=Door(status=429), paced=None)


def cached(upstreams: Upstreams, folder: Path, name: str, settings: str, redis: str = "") -> Subject:
    """The cache with these settings (YAML), and with this Redis if there is one."""
    services = f"services: {{redis: '{redis}'}}\n" if redis else ""
    pipeline = f"  - use: redis_cache\n    config: {{{settings}}}"
    one = gateway(name, upstreams, folder, pipeline, services)
    return replace(one, paced=None, large=Door(path="/v1/embeddings", model="embed"))


def constant(name: str = "constant", redis: str = "") -> Subject:
    """A Starlette endpoint that answers the same to everything; with a Redis it asks that for a value first."""
    command = (sys.executable, *_UVICORN, "tests.bench.constant:app")
    return Subject(name=name, command=command, env={"BENCH_REDIS": redis})


def bare(server: str = "uvicorn", python: str = sys.executable) -> Subject:
    granian = ("-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--workers", "1", "--port", "{port}")
    arguments = _UVICORN if server == "uvicorn" else (*granian, "--log-level", "warning", "--no-ws")
    return Subject(name="bare", command=(python, *arguments, "tests.bench.bare:app"), other=Door(path="/other"))


def middleware(folder: Path) -> Subject:
    model = "  - {name: echo, provider: openai_compatible/echo, base_url: 'http://127.0.0.1:9/v1'}\n"
    config = _written(folder, "middleware", f"models:\n{model}pipeline: []\n")
    command = (*_COGNITUDE, "wrap", "tests.bench.bare:app", "--config", config, "--port", "{port}")
    return Subject(
        name="middleware",
        command=(*command, "--log-level", "warning"),
        env={"COGNITUDE_BOOTSTRAP_KEY": KEY},
        other=Door(path="/other"),
    )


def litellm(upstreams: Upstreams, folder: Path, name: str = "litellm", redis_port: int = 0) -> Subject:
    """LiteLLM's proxy as light as it goes: one worker, one key, no database, no callbacks, no network at start.

    With ``redis_port`` it answers from a cache in that Redis.
    """
    models = [
        {
            "model_name": model,
            "litellm_params": {
                "model": "openai/echo",
                "api_base": f"http://127.0.0.1:{port}/v1",
                "api_key": "upstream-key",
            },
        }
        for model, port in (("echo", upstreams.fast), ("echo-paced", upstreams.paced))
    ]
    server = {"type": "redis", "host": "127.0.0.1", "port": redis_port, "ttl": 3600}
    settings = {"litellm_settings": {"cache": True, "cache_params": server}} if redis_port else {}
    config = folder / f"{name}.yaml"
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": KEY}, **settings}))
    command = (str(PEERS / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", "{port}")
    return Subject(
        name=name,
        command=(*command, "--num_workers", "1", "--telemetry", "False"),
        env={"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"},
        paced=Door(model="echo-paced"),
        starts_within=120.0,
    )


def peers_installed() -> bool:
    return (PEERS / "litellm").exists()


def _models(upstreams: Upstreams) -> str:
    return "".join(
        f"  - {{name: {name}, provider: openai_compatible/{model}, base_url: 'http://127.0.0.1:{port}/v1',"
        " api_key: upstream-key-0123456789abcdef, price: {input: 1, output: 2}}\n"
        for name, model, port in (
            ("echo", "echo", upstreams.fast),
            ("echo-paced", "echo", upstreams.paced),
            ("embed", "embed", upstreams.fast),
        )
    )


def _written(folder: Path, name: str, text: str, of_gateway: str = "") -> str:
    path = folder / f"{name}.yaml"
    gateway = f"gateway:\n  data_dir: {folder / name}\n  drain: {{announce_seconds: 0, finish_seconds: 1}}\n"
    path.write_text(gateway + of_gateway + text)
    return str(path)
