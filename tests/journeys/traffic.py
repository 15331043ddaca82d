"""Many clients at once, and what each of them saw of its calls."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from tests.processes import KEY

INPUT_NANO: Final = 1_000
OUTPUT_NANO: Final = 2_000
PRICE: Final = "{input: 1, output: 2}"
"""US dollars per million tokens, as in plugins.yaml: 1 000 and 2 000 nano-dollars a token."""

_PATH: Final = "/v1/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One call as its client saw it. ``whole`` when it came to its end with status 200."""

    id: str | None
    streamed: bool
    status: int
    whole: bool
    cost_nano_usd: int | None = None


@dataclass(slots=True, kw_only=True)
class Traffic:
    """``clients`` send ``requests`` calls in all, half of them streamed, as ``seed`` will have it.

    ``retries`` is how often a refused connection is tried again; any other failure is one.
    """

    url: str
    model: str
    requests: int
    clients: int = 32
    seed: int = 0
    retries: int = 0
    seen: list[Seen] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    async def run(self) -> None:
        chance = random.Random(self.seed)
        work = [(chance.random() < 0.5, "word " * chance.randint(1, 40)) for _ in range(self.requests)]
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.clients), timeout=timeout, trust_env=False
        ) as session:
            await asyncio.gather(*(self._client(session, work[index :: self.clients]) for index in range(self.clients)))

    async def _client(self, session: aiohttp.ClientSession, work: Sequence[tuple[bool, str]]) -> None:
        for streamed, text in work:
            for attempt in range(self.retries + 1):
                try:
                    self.seen.append(await self._call(session, streamed, text))
                    break
                except aiohttp.ClientConnectorError as error:
                    if attempt == self.retries:
                        self.failed.append(f"refused: {error}")
                    await asyncio.sleep(0.1)
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    self.failed.append(f"{type(error).__name__}: {error}")
                    break

    async def _call(self, session: aiohttp.ClientSession, streamed: bool, text: str) -> Seen:
        body: dict[str, Any] = {"model": self.model, "messages": [{"role": "user", "content": text}]}
        if streamed:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        async with session.post(self.url + _PATH, json=body, headers={"authorization": f"Bearer {KEY}"}) as answer:
            id = answer.headers.get("x-request-id")
            raw = await answer.read()
        ended = not streamed or raw.endswith(b"data: [DONE]\n\n")
        whole = answer.status == 200 and ended
        return Seen(
            id=id, streamed=streamed, status=answer.status, whole=whole, cost_nano_usd=_cost(raw) if whole else None
        )


def _cost(raw: bytes) -> int:
    """From the usage that the answer itself reports."""
    events = [part.removeprefix(b"data: ") for part in raw.split(b"\n\n")] if raw.startswith(b"data: ") else [raw]
    values = (json.loads(event) for event in reversed(events) if event.startswith(b"{"))
    usage = next(value["usage"] for value in values if value.get("usage"))
    return int(usage["prompt_tokens"] * INPUT_NANO + usage["completion_tokens"] * OUTPUT_NANO)
