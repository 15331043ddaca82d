"""A runtime with plugins made in a test, an upstream that does as it is told, and a client beyond ASGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cognitude_plugins.gateway.codec import CODEC
from cognitude_plugins.gateway.endpoints import serve_api
from cognitude_plugins.gateway.loader import Loaded, register
from cognitude_plugins.gateway.offers import offered
from cognitude_plugins.gateway.pipeline import compile_pipeline
from cognitude_plugins.gateway.prices import PriceBook
from cognitude_plugins.gateway.providers import Target
from cognitude_plugins.gateway.runtime import Runtime, build
from cognitude_plugins.gateway.settings import Step
from hooks import Call, Outcome, Payload, Reply, hookimpl
from hooks.testing import chunks_of, completion

KEY = "secret-of-the-test-key"
Message = MutableMapping[str, Any]
CHAT = {"model": "up", "messages": [{"role": "user", "content": "Hello"}]}
STREAM = {**CHAT, "stream": True}
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}

YAML = f"""
gateway:
  data_dir: data
  keys: [{{id: test, secret: {KEY}, organization: acme}}]
  timeouts: {{client_write: 0.2}}
  retries: {{most: 0}}
models:
  - {{name: up, provider: simulated/echo, price: {{input: 1, output: 2}}}}
  - {{name: up, provider: simulated/second}}
  - {{name: sim, provider: simulated/echo}}
pipeline: []
"""


@dataclass(slots=True)
class Upstream:
    """A provider that answers with what ``answer`` returns or raises, and knows what was asked and what was closed."""

    answer: Callable[[Call], Any] = lambda call: streamed("Hel", "lo") if call.stream else whole()
    asked: list[tuple[Call, bytes, Target]] = field(default_factory=list)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Reply:
        self.asked.append((call, body, target))
        reply: Reply = self.answer(call)
        if asyncio.iscoroutine(reply):
            reply = await reply
        return reply


def whole(text: str = "Hello", **fields: Any) -> Reply:
    return Reply(payload=Payload(CODEC.dumps(completion(text, **fields)), codec=CODEC))


class Chunks:
    """A provider's stream, one event a chunk. ``then`` is raised at the end, or waited for."""

    def __init__(self, events: list[bytes], *, then: BaseException | asyncio.Event | None = None) -> None:
        self.events = list(events)
        self.given = 0
        self.closed = False
        self._then = then

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        if self.given < len(self.events):
            self.given += 1
            return self.events[self.given - 1]
        if isinstance(self._then, asyncio.Event):
            await self._then.wait()
        elif self._then is not None:
            raise self._then
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed = True


def events(*texts: str, usage: bool = True) -> list[bytes]:
    made = chunks_of(*texts, usage=USAGE if usage else None)
    return [b"data: " + json.dumps(event).encode() + b"\n\n" for event in made] + [b"data: [DONE]\n\n"]


def streamed(*texts: str, **options: Any) -> Reply:
    return Reply(chunks=Chunks(events(*texts), **options))


def runtime_of(
    folder: Path,
    *plugins: Any,
    upstream: Upstream | None = None,
    mode: Literal["enforce", "shadow"] = "enforce",
    on_error: Literal["skip", "reject"] = "skip",
    timeout: float | None = None,
    yaml: str = YAML,
) -> Runtime:
    """Plugins are entries in this order, named by their class in lower case; the model ``up`` is ``upstream``."""
    path = folder / "plugins.yaml"
    path.write_text(yaml)
    runtime = build(path, {})
    loaded = tuple(
        Loaded(
            entry=Step(use="test", name=name),
            name=name,
            plugin=plugin,
            config=None,
            mode=mode,
            on_error=on_error,
            timeout=timeout,
            origin="test",
        )
        for plugin in plugins
        for name in [type(plugin).__name__.lower()]
    )
    runtime.loaded = loaded
    runtime.manager = register(loaded)
    runtime.offers = offered(runtime.manager)
    providers = {"simulated": upstream} if upstream else runtime.pipeline.providers
    runtime.pipeline = compile_pipeline(loaded, runtime.manager, runtime.catalog, providers)
    from cognitude_plugins.gateway.prices import Price

    runtime.prices = PriceBook(own={"up": Price.per_million(input=1, output=2)})
    return runtime


class Watcher:
    """A plugin that watches every answer."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    @hookimpl
    async def post_response(self, reply: Reply) -> Reply:
        return reply.on_complete(self.outcomes.append)

    @property
    def only(self) -> Outcome:
        assert len(self.outcomes) == 1, self.outcomes
        return self.outcomes[0]


class Client:
    """Sends one request and takes what comes back. ``leave`` hangs up; ``on_send`` sees each message first."""

    def __init__(self, body: Any = CHAT, *, headers: Mapping[str, str] | None = None, on_send: Any = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.messages: list[Message] = []
        self.gone = asyncio.Event()
        self._inbox: list[Message] = [{"type": "http.request", "body": raw, "more_body": False}]
        given = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **(headers or {})}
        self.scope: Message = {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": ("192.0.2.1", 4711),
        }
        self._on_send = on_send

    def leave(self) -> None:
        self.gone.set()

    async def receive(self) -> Message:
        if self._inbox:
            return self._inbox.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if self._on_send is not None:
            result = self._on_send(self, message)
            if asyncio.iscoroutine(result):
                await result

    async def ask(self, runtime: Runtime, api: Any = "chat") -> Client:
        await serve_api(runtime, api, self.scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def raw(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def events(self) -> list[Any]:
        parts = [part.removeprefix(b"data: ") for part in self.raw.split(b"\n\n") if part]
        return [json.loads(part) for part in parts if part != b"[DONE]"]

    @property
    def text(self) -> str:
        chosen = [event["choices"][0] for event in self.events if event.get("choices")]
        return "".join(choice["delta"].get("content") or "" for choice in chosen)

    @property
    def ended(self) -> bool:
        return self.messages[-1]["type"] == "http.response.body" and not self.messages[-1].get("more_body")


async def asked(runtime: Runtime, body: Any = CHAT, **options: Any) -> Client:
    return await Client(body, **options).ask(runtime)


async def settled() -> None:
    """No task but the test's own is left, and those that a started runtime always has."""

    def others() -> list[asyncio.Task[Any]]:
        return [task for task in asyncio.all_tasks() if task.get_name() != "books"]

    for _ in range(100):
        if len(others()) == 1:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(others())
