"""The app behind the middleware as a provider: its scope, its name for the model, its answer's headers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cognitude_plugins.gateway.providers import ProviderError, Target, Timeouts
from cognitude_plugins.gateway.providers.inner import InnerApp, asked_by_name
from hooks import Call, Caller, Deployment, Payload, Reply


def deployment(upstream: str = "m") -> Deployment:
    return Deployment(id="m", model="m", provider="openai", upstream_model=upstream, transport="asgi")


def call() -> Call:
    return Call(id="req_1", api="chat", caller=Caller(organization="acme"), payload=Payload(b"{}"))


class App:
    def __init__(self, *headers: tuple[bytes, bytes], status: int = 200, body: bytes = b"{}") -> None:
        self.scopes: list[Any] = []
        self._head = {"type": "http.response.start", "status": status, "headers": list(headers)}
        self._body = {"type": "http.response.body", "body": body}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await send(self._head)
        await send(self._body)


async def send(app: Any, *scope: Any, keeps_key: bool = True, **target: Any) -> Reply:
    scopes = {"req_1": scope[0]} if scope else {}
    asked = Target(deployment=deployment(), timeouts=Timeouts(), **target)
    return await InnerApp(app, scopes, keeps_key=keeps_key).send(call(), b'{"model":"m"}', asked, {"traceparent": "t"})


async def test_the_scope_is_the_clients_but_for_what_the_new_body_and_the_relay_change() -> None:
    app = App()
    headers = [
        (b"host", b"example"),
        (b"authorization", b"Bearer k"),
        (b"accept-encoding", b"gzip"),
        (b"content-length", b"999"),
        (b"expect", b"100-continue"),
        (b"traceparent", b"old"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
    ]
    state = {"pool": object()}
    extensions = {"http.response.pathsend": {}, "cognitude.connection": object(), "tls": {}}
    scope = {
        "type": "http",
        "path": "/p",
        "root_path": "/r",
        "headers": headers,
        "state": state,
        "extensions": extensions,
    }
    await send(app, scope)
    [seen] = app.scopes
    assert seen["headers"] == [
        (b"host", b"example"),
        (b"authorization", b"Bearer k"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
        (b"traceparent", b"t"),
        (b"content-length", b"13"),
    ]
    assert (seen["path"], seen["root_path"]) == ("/p", "/r")
    assert seen["state"] is state
    assert seen["extensions"] == {"tls": {}}
    assert len(headers) == 8


async def test_a_call_that_no_client_sent_carries_no_clients_key() -> None:
    app = App()
    await send(app)
    assert app.scopes[0]["path"] == "/v1/chat/completions"
    assert b"authorization" not in dict(app.scopes[0]["headers"])


async def test_several_headers_of_one_name_are_one_list() -> None:
    app = App((b"Vary", b"origin"), (b"vary", b"accept"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2, c"))
    reply = await send(app)
    assert reply.headers == {"vary": "origin, accept", "set-cookie": "b=2, c"}


async def test_the_headers_of_the_message_itself_are_made_anew() -> None:
    app = App((b"content-length", b"2"), (b"content-type", b"application/json"), (b"date", b"x"), (b"server", b"y"))
    assert (await send(app)).headers == {}


async def test_what_another_deployment_may_answer_is_raised_with_the_apps_own_words() -> None:
    with pytest.raises(ProviderError) as caught:
        await send(App(status=429, body=b"slow down"))
    assert caught.value.retryable
    assert caught.value.reply.payload is not None
    assert (caught.value.reply.status, caught.value.reply.payload.raw) == (429, b"slow down")


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_a_refused_key_is_the_clients_business_only_if_it_was_the_clients(status: int) -> None:
    assert (await send(App(status=status))).status == status
    with pytest.raises(ProviderError) as caught:
        await send(App(status=status, body=b"the key k"), keeps_key=False, api_key="k")
    assert caught.value.reply.status == 502


def test_the_app_is_asked_for_the_models_own_name_and_nothing_else_is_touched() -> None:
    raw = b'{ "model": "gpt-4o-mini", "x": 1.0 }'
    assert asked_by_name(raw, deployment()) is raw
    changed = asked_by_name(raw, deployment("gpt-4o-mini"))
    assert json.loads(changed) == {"model": "m", "x": 1.0}
    assert b'"x": 1.0 }' in changed


async def test_stopping_breaks_off_what_is_under_way() -> None:
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(60)

    provider = InnerApp(endless, {}, keeps_key=True)
    task = asyncio.create_task(provider.send(call(), b"{}", Target(deployment=deployment()), {}))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(3):
        await provider.stop()
    with pytest.raises(ProviderError, match="shutdown"):
        await task
