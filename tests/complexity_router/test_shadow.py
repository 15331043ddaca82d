"""Comparisons: who is asked, who is judged, and what comes of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from cognitude_plugins.complexity_router.examples import loads
from cognitude_plugins.complexity_router.learned import Learned
from cognitude_plugins.complexity_router.routed import Routed
from cognitude_plugins.complexity_router.settings import Config
from cognitude_plugins.complexity_router.shadow import Shadow
from cognitude_plugins.complexity_router.stored import Label
from hooks import Call, Outcome, Reply
from hooks.testing import completion

from .places import LARGE, SMALL, ask, gateway
from .test_router import routed, router


class Models:
    """Answers of all models, by name; what they were asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[Call, Mapping[str, str]]] = []

    async def __call__(self, call: Call, tags: Mapping[str, str]) -> Reply:
        self.asked.append((call, tags))
        said = self.answers[call.model]
        reply = said if isinstance(said, Reply) else Reply.json(completion(said))
        return reply.with_headers({"x-cognitude-source": "provider", "x-cognitude-model": call.model, **reply.headers})


class Kept(Learned):
    def __init__(self) -> None:
        super().__init__()
        self.labels: list[Label] = []

    def put(self, label: Label) -> None:
        self.labels.append(label)


async def one_routed(call: Call | None = None) -> Routed:
    return (await routed(router(), call or ask()))[1]


def outcome(text: str, served: Any = LARGE, **fields: Any) -> Outcome:
    body = completion(text)
    return Outcome(
        **{
            "status": 200,
            "source": "provider",
            "complete": True,
            "deployment": served,
            "assemble": lambda: body,
            **fields,
        }
    )


async def compared(models: Models, answer: Outcome, call: Call | None = None, **config: Any) -> list[Label]:
    learned, call = Kept(), call or ask()
    shadow = Shadow(Config(**config), gateway(answer=models), learned, Random(1))
    shadow.begin(call, await one_routed(call), answer)
    await shadow.settled()
    return learned.labels


async def test_the_other_model_is_asked_the_same_and_the_answers_are_compared() -> None:
    models = Models(small="The answer is 5.")
    call = ask(cache={"namespace": "n"}, stream=True, stream_options={"include_usage": True}, temperature=0, n=2)
    [label] = await compared(models, outcome("4"), call)
    assert (label.loss, label.id) == (1.0, call.id)
    assert (label.place.candidate, label.place.reference, label.place.organization) == ("small", "large", "acme")
    [(asked, tags)] = models.asked
    assert asked.body == {"model": "small", "messages": call.body["messages"], "temperature": 0}
    assert (asked.caller, dict(tags), asked.state) == (call.caller, {"router": "shadow"}, {})
    assert dict(asked.headers) == {"cache-control": "no-store, no-cache", "x-cognitude-mirror": "router"}


async def test_an_answer_of_the_candidates_is_held_against_the_defaults() -> None:
    models = Models(large="4")
    [label] = await compared(models, outcome("5", SMALL))
    assert (label.place.candidate, label.loss) == ("small", 1.0)
    [label] = await compared(models, outcome("4", SMALL))
    assert label.loss == 0.0


async def test_free_text_is_not_compared_without_a_judge_and_nothing_is_paid_for_it() -> None:
    models = Models(small="Something else, which is also long enough to be text and nothing but that.")
    assert await compared(models, outcome("It depends on what one is looking for in this world.")) == []
    assert models.asked == []


@pytest.mark.parametrize(("candidate", "loss"), [("good text of some length", -1.0), ("bad text of some length", 1.0)])
async def test_a_judge_is_asked_without_being_told_whose_is_whose(candidate: str, loss: float) -> None:
    def judge(call: Call) -> str:
        text = call.body["messages"][1]["content"]
        return "A" if text.index("good") < text.index("bad") else "B"

    class Judged(Models):
        async def __call__(self, call: Call, tags: Mapping[str, str]) -> Reply:
            self.answers["judge"] = judge(call) if call.model == "judge" else ""
            return await super().__call__(call, tags)

    other = "bad text of some length" if loss < 0 else "good text of some length"
    places: Counter[bool] = Counter()
    for seed in range(20):
        models, learned = Judged(small=candidate), Kept()
        shadow = Shadow(Config(judge="judge"), gateway(answer=models), learned, Random(seed))
        shadow.begin(ask(), await one_routed(), outcome(other))
        await shadow.settled()
        assert [label.loss for label in learned.labels] == [loss]
        shown = models.asked[1][0].body["messages"][1]["content"]
        places[shown.index("good") < shown.index("bad")] += 1
        assert dict(models.asked[1][1]) == {"router": "judge"}
    assert min(places[True], places[False]) >= 3


async def test_the_judge_is_asked_about_exact_answers_only_where_they_differ() -> None:
    same = Models(small="4", judge="A")
    assert [label.loss for label in await compared(same, outcome("The answer is 4"), judge="judge")] == [0.0]
    assert [call.model for call, _ in same.asked] == ["small"]
    tie = Models(small="5", judge="TIE")
    assert [label.loss for label in await compared(tie, outcome("4"), judge="judge")] == [0.0]


@pytest.mark.parametrize(
    "models",
    [
        Models(small=Reply.error(500, "no"), judge="A"),
        Models(small="5", judge=Reply.error(429, "no")),
        Models(small="5", judge="I cannot say."),
        Models(small=Reply.json({"choices": []}), judge="A"),
        Models(small=Reply.json(completion("5"), headers={"x-cognitude-model": "large"}), judge="A"),
        Models(small=Reply.json(completion("5"), headers={"x-cognitude-source": "redis_cache"}), judge="A"),
    ],
)
async def test_what_fails_is_no_label(models: Models) -> None:
    assert await compared(models, outcome("4"), judge="judge") == []


@pytest.mark.parametrize(
    "fields",
    [{"complete": False}, {"assemble": lambda: None}, {"deployment": None}, {"assemble": lambda: completion("")}],
)
async def test_an_answer_that_is_none_is_not_compared(fields: dict[str, Any]) -> None:
    models = Models(small="4", judge="A")
    assert await compared(models, outcome("4", **fields), judge="judge") == []


async def test_a_key_for_the_alias_alone_may_be_compared_all_the_same() -> None:
    models, call = Models(small="4"), ask()
    call = replace(call, caller=replace(call.caller, models=("auto",)))
    assert len(await compared(models, outcome("4"), call)) == 1
    assert models.asked[0][0].caller.models == ("auto", "small")


async def test_the_judge_sees_the_turn_that_was_answered() -> None:
    turns = [("user", "first"), ("assistant", "yes"), ("user", [{"type": "text", "text": "second"}])]
    call = ask("", messages=[{"role": role, "content": content} for role, content in turns])
    models = Models(small="some text of the one", judge="TIE")
    assert [one.loss for one in await compared(models, outcome("some text of the other"), call, judge="judge")] == [0.0]
    shown = models.asked[1][0].body["messages"][1]["content"]
    assert shown.index("user: first") < shown.index("user: second") < shown.index("some text")


async def test_a_wrong_tool_is_no_matter_of_taste() -> None:
    def calling(name: str) -> Any:
        call = {"type": "function", "id": "x", "function": {"name": name, "arguments": "{}"}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return {"choices": [{"message": message, "finish_reason": "tool_calls"}]}

    models = Models(small=Reply.json(calling("wrong")), judge="TIE")
    right = outcome("", assemble=lambda: calling("right"))
    assert [one.loss for one in await compared(models, right, judge="judge")] == [1.0]
    assert [call.model for call, _ in models.asked] == ["small"]


async def test_what_comes_to_nothing_is_not_spent_and_what_breaks_is_counted() -> None:
    shadow = Shadow(Config(), gateway(), Learned(), Random(1))
    shadow.begin(ask(), await one_routed(), outcome("It depends on what one is looking for in this world."))
    assert shadow._credits == {"acme": 1.0}
    shadow.begin(ask(), await one_routed(), outcome("4"))
    await shadow.settled()
    await asyncio.sleep(0)
    assert shadow.failed == 1, "the gateway has no pipeline"


async def test_features_are_kept_only_where_that_is_wanted() -> None:
    assert [label.features for label in await compared(Models(small="4"), outcome("4"))] == [None]
    [label] = await compared(Models(small="4"), outcome("4"), learn_from_prompts=True)
    assert label.features is not None
    assert loads(label.features).grams == (await one_routed()).features.grams


async def test_no_more_than_a_few_are_under_way() -> None:
    learned = Kept()
    shadow = Shadow(Config(), gateway(answer=Models(small="4")), learned, Random(1))
    for _ in range(12):
        shadow.begin(ask(), await one_routed(), outcome("4"))
    await shadow.settled()
    assert (len(learned.labels), shadow.left_out) == (8, 4)


async def test_the_share_of_calls_is_kept_and_goes_where_too_little_is_known() -> None:
    shadow = Shadow(Config(shadow_rate=0.02), gateway(), Learned(), Random(3))
    reply = replace(Reply.json(completion()), source="provider")
    unsure = await one_routed()
    sure = replace(unsure, decision=replace(unsure.decision, judged=(unsure.decision.judged[0],) * 2))
    chance = Random(4)
    drawn: Counter[bool] = Counter()
    for _ in range(20_000):
        which = chance.random() < 0.5
        drawn[which] += shadow.drawn(ask(), reply, unsure if which else sure)
    assert 340 <= drawn.total() <= 405
    assert drawn[True] > 2 * drawn[False]


async def test_what_is_no_answer_of_a_providers_is_never_drawn() -> None:
    shadow, one = Shadow(Config(shadow_rate=1), gateway(), Learned(), Random(3)), await one_routed()
    good = replace(Reply.json(completion()), source="provider")
    assert any(shadow.drawn(ask(), good, one) for _ in range(50))
    for reply in (replace(good, source="redis_cache"), replace(good, status=500)):
        assert not any(shadow.drawn(ask(), reply, one) for _ in range(50))
    alone = replace(one, decision=replace(one.decision, judged=one.decision.judged[:1]))
    assert not any(shadow.drawn(ask(), good, alone) for _ in range(50))
    never = Shadow(Config(shadow_rate=0), gateway(), Learned(), Random(3))
    assert not any(never.drawn(ask(), good, one) for _ in range(50))
