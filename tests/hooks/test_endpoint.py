"""What an endpoint is asked is read in one way, and what is wrong with it is said in one way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hooks import Unavailable
from hooks import endpoint as module
from hooks.endpoint import LARGEST_BODY, answer, answering, body_as, query_as, refused


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(default=1, ge=1)
    name: str = "a"

    @field_validator("name")
    @classmethod
    def _not_b(cls, name: str) -> str:
        if name == "b":
            raise ValueError("b is taken")
        return name


class Away(Unavailable):
    service = "redis"


async def told(handler: Callable[[Request], Awaitable[Response]], method: str = "POST", **given: Any) -> httpx.Response:
    app = Starlette(routes=[Route("/", answering(handler), methods=["GET", "POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://one") as client:
        return await client.request(method, "/", **given)


async def by_body(request: Request) -> Response:
    return answer(await body_as(request, Wanted), 201)


async def by_secret_body(request: Request) -> Response:
    return answer(await body_as(request, Wanted, secret=True))


async def by_query(request: Request) -> Response:
    return answer(query_as(request, Wanted))


async def by_query_of_all(request: Request) -> Response:
    return answer(query_as(request, Wanted, acting=False))


async def test_a_body_and_a_query_become_what_they_are_to_be() -> None:
    done = await told(by_body, json={"size": 3})
    assert (done.status_code, done.json()) == (201, {"size": 3, "name": "a"})
    assert done.headers["cache-control"] == "no-store"
    assert (await told(by_body)).json() == {"size": 1, "name": "a"}
    done = await told(by_query, "GET", params={"size": "4", "organization": "acme"})
    assert done.json() == {"size": 4, "name": "a"}


@pytest.mark.parametrize(
    ("given", "status", "code", "param", "message"),
    [
        (
            {"json": {"size": 0}},
            400,
            "invalid_value",
            "size",
            "size: Input should be greater than or equal to 1, not 0.",
        ),
        ({"json": {"sise": 1}}, 400, "unknown_field", "sise", "sise: there is no 'sise' to be set here."),
        ({"json": {"name": "b"}}, 400, "invalid_value", "name", "name: b is taken."),
        ({"json": {"size": "x" * 41}}, 400, "invalid_value", "size", None),
        ({"json": []}, 400, "invalid_value", None, None),
        ({"content": b"{"}, 400, "invalid_json", None, None),
        ({"data": {"size": "1"}}, 415, "unsupported_media_type", None, None),
        ({"content": b" " * (LARGEST_BODY + 1)}, 413, "request_too_large", None, None),
    ],
)
async def test_what_is_wrong_is_said_with_the_field_and_the_rule(
    given: Any, status: int, code: str, param: str | None, message: str | None
) -> None:
    done = await told(by_body, **given)
    error = done.json()["error"]
    assert (done.status_code, error["code"], error["param"]) == (status, code, param)
    assert message in (None, error["message"])
    assert "x" * 41 not in error["message"]


async def test_no_secret_is_repeated() -> None:
    for size in ("hunter2", -5):
        message = (await told(by_secret_body, json={"size": size})).json()["error"]["message"]
        assert message.startswith("size: Input should be")
        assert str(size) not in message


@pytest.mark.parametrize(
    ("query", "param", "why"),
    [("size=0", "size", "not '0'"), ("size=1&size=2", "size", "more than once"), ("x=1", "x", "there is no 'x'")],
)
async def test_a_query_is_read_as_strictly(query: str, param: str, why: str) -> None:
    done = await told(by_query, "GET", params=query)
    assert (done.status_code, done.json()["error"]["param"]) == (400, param)
    assert why in done.json()["error"]["message"]


async def test_where_nobody_acts_for_an_organization_none_is_named() -> None:
    done = await told(by_query_of_all, "GET", params={"organization": "acme"})
    assert (done.status_code, done.json()["error"]["param"]) == (400, "organization")


@pytest.mark.parametrize(
    ("error", "status", "code", "message"),
    [
        (refused("No.", status=404, code="not_found"), 404, "not_found", "No."),
        (Unavailable("x"), 503, "database_unavailable", None),
        (
            Away("x"),
            503,
            "redis_unavailable",
            "Redis does not answer; what was asked for may or may not have been done.",
        ),
    ],
)
async def test_refusals_and_outages_are_answers(error: Exception, status: int, code: str, message: str | None) -> None:
    async def failing(request: Request) -> Response:
        raise error

    done = await told(failing)
    assert (done.status_code, done.json()["error"]["code"]) == (status, code)
    assert message in (None, done.json()["error"]["message"])
    assert done.headers.get("retry-after") == ("1" if status == 503 else None)


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.02)

    async def never() -> Any:
        yield b"{"
        await asyncio.sleep(60)

    done = await told(by_body, content=never())
    assert (done.status_code, done.json()["error"]["code"]) == (408, "request_timeout")


async def test_a_client_that_leaves_half_way_is_told_nothing_that_matters() -> None:
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    response = await answering(by_body)(Request(scope, receive))
    await response(scope, receive, send)
    assert sent[0]["status"] == 400


@pytest.mark.parametrize("rule", ["it is not known", "it is not known; did you mean 'slack'?"])
def test_what_is_refused_is_one_sentence(rule: str) -> None:
    message = refused(f"{rule}.").reply.body["error"]["message"]
    assert message == (rule if rule.endswith("?") else f"{rule}.")
