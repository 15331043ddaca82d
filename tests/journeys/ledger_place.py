"""A gateway with two upstreams that say what a test wants, and with plugins that do what a request's header says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.journeys.recorder import Received, Recorder, answer, chunk, recording, stream
from tests.journeys.rows import journaled, row_of
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT, HELLO
from tests.processes import Running, free_port, gateway

OTHER_KEY = "other-key-of-another-organization-0123"
CONFIG = """
gateway:
  drain: {{announce_seconds: 0, finish_seconds: 5}}
  timeouts: {{connect: 0.5, first_token: 0.6, between_chunks: 0.6, total: 20, request_body: 0.8}}
  limits: {{body_bytes: 65536}}
  retries: {{most: 0}}
  breaker: {{enabled: false}}
  keys:
    - {{id: other, secret: {other}, organization: globex, role: admin}}
models:
  - {{name: m, provider: openai/first, base_url: "{first}/v1", api_key: sk-first-key, price: {{input: 1, output: 2}}}}
  - {{name: m, provider: groq/second, base_url: "{second}/v1", api_key: sk-second-key, price: {{input: 3, output: 4}}}}
  - {{name: one, provider: openai/first, base_url: "{first}/v1", api_key: sk-first-key, price: {{input: 1, output: 2}},
     timeouts: {{total: 0.6}}}}
  - {{name: gone, provider: openai/x, base_url: "http://127.0.0.1:{nobody}/v1", api_key: sk-x, price: {{input: 1}}}}
  - {{name: unpriced, provider: openai_compatible/nobodys, base_url: "{first}/v1", api_key: sk-first-key}}
  - name: dear
    provider: openai/first
    base_url: "{first}/v1"
    api_key: sk-first-key
    price:
      input: 2.50
      output: 10
      cached_input: 1.25
      cache_write: 3.125
      reasoning: 12
      per_request: 0.0005
      tiers: [{{above_prompt_tokens: 1000, input: 5, output: 15, cached_input: 2.5}}]
pipeline:
  - use: ./deeds.py
  - {{use: ./rejecting.py, on_error: reject}}
"""
DEEDS = """
from __future__ import annotations
import json
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from hooks import DROP, Reply, hookimpl, read
from hooks.testing import chunks_of, completion

BOOK = Path(__file__).with_name("book.jsonl")
LENT = []


@hookimpl
@asynccontextmanager
async def lifespan(gateway):
    LENT.append(gateway)
    yield
    LENT.remove(gateway)


async def said():
    for event in chunks_of("from ", "plugin", usage={"prompt_tokens": 70, "completion_tokens": 7, "total_tokens": 77}):
        yield event


@hookimpl
async def pre_request(call):
    deed = call.headers.get("x-deed")
    if deed == "early":
        call.record(cache_key="digest", saved_nano_usd=5, complexity="easy")
        usage = {"prompt_tokens": 70, "completion_tokens": 7, "total_tokens": 77}
        return Reply.stream(said()) if call.stream else Reply.json(completion("early", usage=usage))
    if deed == "serve":
        inner = replace(call.set(model="dear", messages=[{"role": "user", "content": "sub"}]), headers={})
        await read(await LENT[-1].serve(inner))
    if deed == "other model":
        return call.set(model="dear")
    return None


async def cut(chunks):
    async with aclosing(chunks):
        async for chunk in chunks:
            yield chunk
            return


@hookimpl
async def post_response(call, reply):
    deed = call.headers.get("x-deed")
    if deed == "replace":
        reply = Reply.json(completion("another"))
    elif deed == "replace by stream":
        reply = Reply.stream(said())
    elif deed == "drop usage":
        reply = reply.map(lambda event: DROP if event.get("usage") else None)
    elif deed == "cut":
        reply = reply.through(cut)
    elif deed == "map":
        reply = reply.map(lambda event: {**event, "mapped": True})

    async def note(outcome):
        usage = outcome.usage
        line = {
            "id": call.id, "complete": outcome.complete, "error": outcome.error, "status": outcome.status,
            "source": outcome.source, "attempts": outcome.attempts, "cost_nano_usd": outcome.cost_nano_usd,
            "deployment": outcome.deployment and outcome.deployment.id, "drained": outcome.drained,
            "usage": usage and [usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens,
                                usage.reasoning_tokens, usage.reported],
        }
        with BOOK.open("a") as book:
            book.write(json.dumps(line) + "\\n")

    return reply.on_complete(note)
"""
REJECTING = """
from __future__ import annotations
from hooks import hookimpl


@hookimpl
async def post_response(call, reply):
    if call.headers.get("x-deed") != "reject":
        return None
    seen = []

    def change(event):
        seen.append(event)
        if len(seen) > 1 or not call.stream:
            raise ValueError("no more of this")

    return reply.map(change)
"""
ASKED = {**HELLO, "model": "m"}
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
EVENTS = (chunk("Hello"), chunk(" there", "stop"))
REPORTED = {"id": "chatcmpl-r", "object": "chat.completion.chunk", "choices": [], "usage": USAGE}


def completed(usage: Any = USAGE, text: str = "Noted", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {"id": "chatcmpl-r", "object": "chat.completion", "model": "r", "choices": [choice], **more}
    return body if usage is None else {**body, "usage": usage}


class Place:
    def __init__(self, one: Running, first: Recorder, second: Recorder, folder: Path) -> None:
        self.one, self.first, self.second, self.folder = one, first, second, folder
        self.ids: list[str] = []

    def says(self, *answers: Any) -> None:
        for upstream, said in zip((self.first, self.second), answers, strict=False):
            upstream.answer = said if callable(said) else lambda received, said=said: said  # type: ignore[misc]

    def ask(self, deed: str | None = None, *, headers: Mapping[str, str] | None = None, path: str = CHAT,
            key: str | None = None, **options: Any) -> tuple[httpx.Response, dict[str, Any]]:  # fmt: skip
        """The answer, and the row of it."""
        given = {**({} if deed is None else {"x-deed": deed}), **(headers or {})}
        body = {**ASKED, **options} if path == CHAT else options
        with self.one.client(**({} if key is None else {"key": key})) as client:
            said = client.post(path, json=body, headers=given)
        return said, self.row(said.headers["x-request-id"])

    def row(self, id: str) -> dict[str, Any]:
        self.ids.append(id)
        return row_of(self.folder, id)

    def new_row(self, before: int) -> dict[str, Any]:
        """The next one after so many, of a call that was not answered."""
        assert eventually(lambda: len(journaled(self.folder)) > before)
        (row,) = journaled(self.folder)[before:]
        self.ids.append(row["id"])
        return row

    def reset(self) -> None:
        """The upstreams answer well again, and nobody has asked them."""
        for upstream in (self.first, self.second):
            upstream.received.clear()
        self.says(answered, answered)

    def outcomes(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for line in (self.folder / "book.jsonl").read_text().splitlines():
            found.setdefault(json.loads(line)["id"], []).append(json.loads(line))
        return found


def answered(received: Received) -> bytes:
    return stream(*EVENTS, REPORTED) if received.json.get("stream") else answer(200, completed())


@contextmanager
def placed(folder: Path) -> Iterator[Place]:
    (folder / "deeds.py").write_text(DEEDS)
    (folder / "rejecting.py").write_text(REJECTING)
    with ExitStack() as stack:
        first, second = (stack.enter_context(recording()) for _ in range(2))
        config = CONFIG.format(first=first.url, second=second.url, nobody=free_port(), other=OTHER_KEY)
        yield Place(stack.enter_context(gateway(config, folder)), first, second, folder)
