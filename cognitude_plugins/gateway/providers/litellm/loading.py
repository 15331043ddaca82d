"""LiteLLM imported in a thread, once, quietly, without network, and without stopping the event loop.

The import takes 2 to 4 s and 200 MB, 50 of them for what LiteLLM only imports in its first call. From a thread the loop
runs on beside it, but for full garbage collections of a heap that grows by 340 000 objects (100 to 200 ms each on the
machine this was measured on). So collection is off meanwhile (it would find 1 400 objects), what was imported is frozen
out of later collections, and two answers are mocked in the thread. The longest stall left was 25 to 55 ms.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import sys
from dataclasses import dataclass
from typing import Any, Final

_ENVIRONMENT: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    # In LiteLLM's other mode it loads a .env file from the working directory into this process's environment.
    "LITELLM_MODE": "PRODUCTION",
}
_REPEATS: Final = "REPEATED_STREAMING_CHUNK_LIMIT"
_LOGGERS: Final = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The package, what it raises, our module of its HTTP, and a connection pool of the caller's own."""

    litellm: Any
    raised: tuple[type[Exception], ...]
    wire: Any
    engine: Any


class Loader:
    """Imports once however many ask at once. A failed import is not tried again: it would take as long every time."""

    def __init__(self, proxy: str | None = None) -> None:
        self._proxy = proxy
        self._task: asyncio.Task[Loaded] | None = None

    def begin(self) -> asyncio.Task[Loaded]:
        """Starts the import without waiting for it."""
        if self._task is None:
            self._task = asyncio.create_task(asyncio.to_thread(load, self._proxy), name="import litellm")
            self._task.add_done_callback(_look)
        return self._task

    async def get(self) -> Loaded:
        """Raises whatever the import raised. A caller that is cancelled meanwhile leaves it running for the others."""
        task = self.begin()
        return task.result() if task.done() else await asyncio.shield(task)

    async def stop(self) -> None:
        """Closes the connections, if there were any; waits for an import that has begun."""
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait((task,))
            if not task.cancelled() and task.exception() is None:
                await task.result().engine.aclose()


def load(proxy: str | None) -> Loaded:
    """The import itself; for a thread."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    collecting = gc.isenabled()
    gc.disable()
    try:
        litellm = importlib.import_module("litellm")
        handlers = importlib.import_module("litellm.llms.custom_httpx.http_handler")
        wire = importlib.import_module("cognitude_plugins.gateway.providers.litellm.wire")
        _quieten(litellm)
        wire.install(handlers.AsyncHTTPHandler)
        loaded = Loaded(
            litellm=litellm,
            raised=_raised(),
            wire=wire,
            engine=wire.engine(handlers.get_ssl_configuration(), proxy),
        )
        _rehearse(litellm)
        gc.freeze()
        return loaded
    finally:
        if collecting:
            gc.enable()


def _quieten(litellm: Any) -> None:
    litellm.suppress_debug_info = True
    litellm.disable_hf_tokenizer_download = True
    if _REPEATS not in os.environ:
        # It ends a stream with an error of its own when a model says the same word a hundred times.
        setattr(litellm, _REPEATS, sys.maxsize)
    if "LITELLM_LOG" not in os.environ:
        # Its loggers write to stderr what a request contained.
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _raised() -> tuple[type[Exception], ...]:
    openai = importlib.import_module("openai")
    transformation = importlib.import_module("litellm.llms.base_llm.chat.transformation")
    return (openai.OpenAIError, transformation.BaseLLMException)


def _rehearse(litellm: Any) -> None:
    messages = [{"role": "user", "content": "x"}]
    given = {"model": "anthropic/rehearsal", "messages": messages, "mock_response": "x", "api_key": "none"}
    litellm.completion(**given)
    for _ in litellm.completion(**given, stream=True):
        pass


def _look(task: asyncio.Task[Loaded]) -> None:
    """Keeps asyncio from complaining of a failure that nobody asked about; whoever calls gets it."""
    if not task.cancelled():
        task.exception()
