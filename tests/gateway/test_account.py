"""What a call used and cost, and its row: settled once, written once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from cognitude_plugins.gateway.account import Account
from cognitude_plugins.gateway.ledger.sample import Sample
from cognitude_plugins.gateway.prices import Price, PriceBook
from cognitude_plugins.gateway.respond import Delivered
from cognitude_plugins.gateway.trace import Trace
from hooks import Deployment, Payload, Reply, Usage
from hooks.testing import completion, make_call
from tests.gateway.calls import CODEC, events

UP = Deployment(id="up", model="up", provider="openai", upstream_model="gpt-4o", transport="direct")
CALL = make_call({"model": "up", "messages": [{"role": "user", "content": "Hello"}]})
PRICES = PriceBook(own={"up": Price.per_million(input=1, output=2)})
PROMPT = 8
"""Tokens: one word, three for the message, one for the role, three for the answer's beginning."""


class Book:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def append(self, record: bytes) -> None:
        self.rows.append(orjson.loads(record))


def account(book: Book | None = None, *, attempts: int = 1, unsure: bool = False, **options: Any) -> Account:
    trace = Trace()
    trace.attempts, trace.unsure = attempts, unsure
    return Account(
        requested_model="up",
        known_model=True,
        trace=trace,
        prices=PRICES,
        append=None if book is None else book.append,
        **options,
    )


def answer(body: Any, status: int = 200) -> Reply:
    payload = Payload(CODEC.dumps(body), codec=CODEC)
    return Reply(status=status, payload=payload, source="provider", deployment=UP)


async def settled(one: Account, reply: Reply, provided: Reply | None, sample: Sample | None = None) -> Account:
    paid = None if provided is None else provided.payload
    await one.settle(CALL, Delivered(reply=reply, paid=paid, sample=sample), provided)
    return one


async def test_what_the_provider_reports_is_what_it_costs() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    reply = answer(completion("Hello", usage=usage))
    one = await settled(account(), reply, reply)
    assert one.usage is not None
    assert (one.usage.prompt_tokens, one.usage.reported, one.cost_nano_usd) == (10, True, 20_000)


async def test_what_the_provider_does_not_report_is_counted_and_marked() -> None:
    body = completion("Hello")
    del body["usage"]
    reply = answer(body)
    one = await settled(account(), reply, reply)
    assert one.usage is not None
    assert (one.usage.prompt_tokens, one.usage.completion_tokens, one.usage.reported) == (PROMPT, 1, False)
    assert one.cost_nano_usd == PROMPT * 1000 + 2000


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -5, "completion_tokens": 5},
        {"completion_tokens": 5},
        {"prompt_tokens": 10**18, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": -1},
        {"prompt_tokens": 5},
    ],
)
async def test_what_the_provider_reports_wrongly_is_counted_and_marked(usage: dict[str, int]) -> None:
    reply = answer(completion("Hello", usage=usage))
    one = await settled(account(), reply, reply)
    assert one.usage == Usage(prompt_tokens=PROMPT, completion_tokens=1, reported=False)
    assert one.cost_nano_usd == PROMPT * 1000 + 2000


async def test_of_a_stream_what_came_is_counted() -> None:
    sample = Sample()
    for event in events("Hel", "lo", usage=False)[:2]:
        sample.add(event)
    reply = Reply(source="provider", deployment=UP)
    one = await settled(account(), reply, reply, sample)
    assert one.usage is not None
    assert (one.usage.completion_tokens, one.usage.reported) == (1, False)


async def test_of_a_stream_of_which_nothing_came_nothing_is_known() -> None:
    reply = Reply(source="provider", deployment=UP)
    one = await settled(account(), reply, reply, Sample())
    assert (one.usage, one.cost_nano_usd) == (None, None)


@pytest.mark.parametrize(
    ("attempts", "unsure", "cost"),
    [(0, False, 0), (2, False, 0), (1, True, None)],
    ids=["none", "refused", "broke off"],
)
async def test_without_a_providers_answer_the_cost_is_nothing_or_unknown(
    attempts: int, unsure: bool, cost: int | None
) -> None:
    reply = Reply.error(502, "no")
    one = await settled(account(attempts=attempts, unsure=unsure), reply, None)
    assert (one.usage, one.cost_nano_usd) == (None, cost)


async def test_a_providers_refusal_costs_nothing() -> None:
    reply = answer({"error": {"message": "no"}}, status=400)
    assert (await settled(account(), reply, reply)).cost_nano_usd == 0


async def test_a_cost_that_no_call_has_is_not_known() -> None:
    reply = answer(completion("Hello", usage={"prompt_tokens": 2**31 - 1, "completion_tokens": 1}))
    one = account()
    one.prices = PriceBook(own={"up": Price.per_million(input=1e30, output=2)})
    assert (await settled(one, reply, reply)).cost_nano_usd is None


async def test_a_price_that_is_not_known_is_not_zero() -> None:
    reply = answer(completion("Hello"))
    one = account()
    one.prices = PriceBook()
    assert (await settled(one, reply, reply)).cost_nano_usd is None


async def test_a_plugins_answer_in_place_of_the_providers_costs_what_that_cost() -> None:
    provided = answer(completion("Hello", usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}))
    one = await settled(account(), Reply.json({}), provided)
    assert one.cost_nano_usd == 3000


async def test_a_row_is_written_once_however_often_it_is_asked_for() -> None:
    book = Book()
    one = account(book)
    reply = answer(completion("Hello"))
    for _ in range(2):
        await settled(one, reply, reply)
        await one.write(CALL, reply, None)
    assert [row["id"] for row in book.rows] == [CALL.id]


async def test_a_row_that_could_not_be_written_is_tried_again() -> None:
    book = Book()
    one = account(book)

    def fails(record: bytes) -> None:
        raise OSError("disk")

    one.append = fails
    with pytest.raises(OSError):
        await one.write(CALL, Reply(), None)
    one.append = book.append
    await one.write(CALL, Reply(), None)
    assert len(book.rows) == 1


async def test_the_row_is_waited_for_until_it_is_safe() -> None:
    safe = asyncio.get_running_loop().create_future()
    one = account()
    one.append = lambda record: safe
    writing = asyncio.create_task(one.write(CALL, Reply(), None))
    await asyncio.sleep(0.01)
    assert not writing.done()
    safe.set_result(None)
    await writing


async def test_a_dry_run_leaves_no_row() -> None:
    book = Book()
    await account(book).write(make_call(dry_run=True), Reply(), None)
    assert book.rows == []


async def test_an_answer_without_a_reader_is_read_as_far_as_the_money_goes() -> None:
    one = account(drain_nano_usd=10_000)
    chunks = events(*["word"] * 20, usage=False)[1:]
    reply = Reply(source="provider", deployment=UP)
    read = [one.affords(chunk, reply) for chunk in chunks]
    assert read.index(False) == 5
    one.prices = PriceBook()
    assert one.affords(chunks[0], reply), "without a price only the seconds count"


async def test_what_a_call_costs_by_itself_is_not_paid_again_with_every_chunk() -> None:
    one = account(drain_nano_usd=10_000)
    one.prices = PriceBook(own={"up": replace(Price.per_million(input=1, output=2), per_request=500_000)})
    chunks = events(*["word"] * 20, usage=False)[1:]
    reply = Reply(source="provider", deployment=UP)
    assert [one.affords(chunk, reply) for chunk in chunks].index(False) == 5


async def test_after_a_mistake_of_ours_the_row_says_what_is_known() -> None:
    book = Book()
    one = account(book)
    one.prices = PriceBook(own={"up": "not a price"})  # type: ignore[dict-item]
    reply = answer(completion("Hello"))
    with pytest.raises(AttributeError):
        await settled(one, reply, reply)
    one.give_up()
    await settled(one, reply, reply)
    await one.write(CALL, reply, None)
    (row,) = book.rows
    assert (row["cost_nano_usd"], row["status"], row["prompt_tokens"] is None) == (None, 200, False)


@pytest.mark.parametrize(("baseline", "saved"), [("large", 180_000), ("small", -15_000), ("unpriced", None)])
async def test_what_a_router_saved_is_the_difference_to_what_would_have_been_called(
    baseline: str, saved: int | None
) -> None:
    prices = PriceBook(
        own={
            "up": Price.per_million(input=1, output=2),
            "large": Price.per_million(input=10, output=20),
            "small": Price.per_million(input=0.25, output=0.5),
        }
    )
    book = Book()
    one = account(book)
    one.prices = prices
    call = replace(CALL, state={})
    call.record(saved_nano_usd=0, baseline=replace(UP, id=baseline, upstream_model=baseline))
    reply = answer(completion("Hello", usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}))
    await one.settle(call, Delivered(reply=reply, paid=reply.payload, sample=None), reply)
    await one.write(call, reply, None)
    assert book.rows[0]["saved_nano_usd"] == (saved or 0)


def test_a_baseline_is_a_deployment() -> None:
    with pytest.raises(TypeError, match="Deployment"):
        CALL.record(baseline="gpt-4o")  # type: ignore[arg-type]
