"""`LiteLLMProvider`: one attempt through LiteLLM, whole or streamed, told in OpenAI's form."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from cognitude_plugins.gateway.codec import CODEC
from cognitude_plugins.gateway.providers.provider import Broke, Target
from cognitude_plugins.gateway.providers.verdict import failure, timed_out
from hooks import Call, Reply

from .answers import embeddings, whole
from .content import refused_url
from .failures import told
from .loading import Loaded, Loader
from .parameters import FIELDS, RESERVED_OPTIONS, arguments, usage_wanted
from .streaming import Events

_FUNCTIONS: Final = {"chat": "acompletion", "completions": "atext_completion", "embeddings": "aembedding"}

FAILURES: Final[tuple[type[Exception], ...]] = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError),
    *(OSError, RuntimeError, TypeError, ValueError),
)
"""What translating raises besides LiteLLM's own exceptions: whatever its code happens to trip over."""


class LiteLLMProvider:
    """LiteLLM in this process. ``warm``: begin its import in `start`, so that no request waits 2 to 4 s for it.

    ``proxy`` is the outbound HTTP proxy's URL; the environment's proxy variables are not read. An entry without
    ``api_key`` uses what LiteLLM finds for its provider in the environment (``AWS_PROFILE``, …).
    """

    def __init__(self, *, warm: bool = False, proxy: str | None = None) -> None:
        self._warm = warm
        self._loader = Loader(proxy)

    async def start(self) -> None:
        if self._warm:
            self._loader.begin()

    async def stop(self) -> None:
        await self._loader.stop()

    async def send(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Reply:
        """See `Provider.send`. A whole answer may take ``timeouts.total``: its first byte comes when it is finished."""
        if call.api not in FIELDS:
            return Reply.error(
                404, f"{target.deployment.model} does not serve the {call.api} API", code="unsupported_api"
            )
        if reserved := sorted(RESERVED_OPTIONS.intersection(target.options)):
            message = f"the model's entry sets options that it cannot: {', '.join(reserved)}"
            raise failure("options", message, status=500)
        request: Mapping[str, Any] = CODEC.loads(body)
        if target.options.get("fetch_urls") is not True and (path := refused_url(request)):
            return _url_refused(path)
        try:
            given = arguments(call.api, request, target, headers)
        except ValueError as error:
            return Reply.error(400, str(error), code="invalid_value")
        loaded = await self._loaded()
        if target.deployment.provider not in loaded.litellm.provider_list:
            raise failure("unknown", f"LiteLLM knows no provider {target.deployment.provider!r}", retryable=True)
        return await _Attempt(loaded, call, request, target).reply(given)

    async def _loaded(self) -> Loaded:
        try:
            return await self._loader.get()
        except (ImportError, AttributeError, OSError, SyntaxError) as error:
            message = f"the gateway's LiteLLM cannot be imported ({type(error).__name__})"
            raise failure("litellm_import", message, status=500) from error


def _url_refused(path: str) -> Reply:
    message = (
        f"{path} points to another place; only data: URLs are sent to this model (its entry can set fetch_urls: true)"
    )
    return Reply.error(400, message, code="url_not_allowed", param=path)


class _Attempt:
    def __init__(self, loaded: Loaded, call: Call, request: Mapping[str, Any], target: Target) -> None:
        self._api = call.api
        self._request = request
        self._target = target
        self._streamed = call.api != "embeddings" and request.get("stream") is True
        self._patience = target.timeouts.first_token if self._streamed else target.timeouts.total
        self._wires = loaded.wire.CURRENT
        self._wire = loaded.wire.Wire(loaded.engine, target.timeouts, self._patience)
        self._function = getattr(loaded.litellm, _FUNCTIONS[call.api])
        self._raised: tuple[type[Exception], ...] = (*loaded.raised, *FAILURES)

    async def reply(self, given: dict[str, Any]) -> Reply:
        token = self._wires.set(self._wire)
        open_stream = False
        try:
            async with asyncio.timeout(self._patience) as clock:
                reply = await self._sent(given)
            open_stream = reply.streamed
            return reply
        except TimeoutError as error:
            if clock.expired():
                raise timed_out("answer", self._patience) from error
            return told(error, self._wire, self._target, streamed=self._streamed)
        except StopAsyncIteration:
            raise failure("empty", "the provider ended its stream before it began") from None
        except Broke as error:
            raise failure(str(error), "the provider broke off before it answered") from error
        except self._raised as error:
            return told(error, self._wire, self._target, streamed=self._streamed)
        finally:
            self._wires.reset(token)
            if not open_stream:
                await asyncio.shield(self._wire.close())

    async def _sent(self, given: dict[str, Any]) -> Reply:
        response = await self._function(**given)
        if self._streamed:
            events = self._events(response)
            await events.first()
            return Reply(headers={"content-type": "text/event-stream"}, chunks=events)
        made = embeddings(response, self._request) if self._api == "embeddings" else whole(response)
        return Reply(payload=made)

    def _events(self, stream: Any) -> Events:
        return Events(
            stream,
            self._wire,
            raised=self._raised,
            between_chunks=self._target.timeouts.between_chunks,
            usage=usage_wanted(self._request),
        )
