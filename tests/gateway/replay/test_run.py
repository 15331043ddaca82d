"""What a replay says has to be what a real gateway does: the same calls, sent to one and played for the other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from tests.gateway.replay.day import Sent, lived
from tests.journeys.rows import connection

DIGEST: Final = """
import json
from hashlib import blake2b
from hooks import Fingerprint, hookimpl, thaw

@hookimpl
def post_response(call, reply):
    body = {name: value for name, value in thaw(call.body).items() if name != "stream"}
    number = int.from_bytes(blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=6).digest(), "big")
    call.record(fingerprint=Fingerprint(request=number, shape=number))
"""
CONFIG: Final = """
gateway:
  keys:
    - {id: a, secret: secret-of-acme-1234, organization: acme}
    - {id: g, secret: secret-of-globex-1234, organization: globex, models: [small, cheap]}
models:
  - {name: small, provider: simulated/echo, price: {input: 1, output: 2}, options: {latency_ms: 300, faults: "503:0.1"}}
  - {name: small, provider: simulated/echo, price: {input: 1.5, output: 3}, options: {latency_ms: 400, chunk_ms: 5}}
  - {name: large, provider: simulated/echo, price: {input: 10, output: 20}, options: {latency_ms: 900}}
  - {name: cheap, provider: simulated/echo, price: {input: 0.2, output: 0.8}, options: {latency_ms: 200}}
  - {name: auto, candidates: [large, small]}
  - {name: any, candidates: [large]}
pipeline:
  - {use: ../digest.py}
  - {use: request_defaults, config: {rules: [{caps: {max_tokens: 60}}]}}
  - {use: redis_cache, config: {max_age: 30}}
  - use: limiter
    config:
      limits:
        - {scope: organization, unit: requests, per: minute, limit: 75}
        - {scope: organization, unit: tokens, per: day, limit: 60000}
  - {use: complexity_router, config: {aliases: {auto: {}}, shadow_rate: 0}}
  - {use: balancer}
"""
CHANGES: Final = {
    "same": (),
    "tighter": (("max_age: 30", "max_age: 6"), ("limit: 75", "limit: 40")),
    "cheaper": (
        ("name: any, candidates: [large]", "name: any, candidates: [cheap]"),
        ("{max_tokens: 60}", "{max_tokens: 20}"),
    ),
}


def calls(count: int = 220) -> list[Sent]:
    """Two minutes in bursts, in which questions come back."""
    dice, at, found = Random(7), 0.0, list[Sent]()
    for number in range(count):
        at += dice.expovariate(1 / (150 if number % 60 < 40 else 1500))
        key = dice.choice(("secret-of-acme-1234", "secret-of-acme-1234", "secret-of-globex-1234"))
        model = "small" if "globex" in key else dice.choice(("small", "large", "auto", "any"))
        question = min(80, int(dice.paretovariate(0.5)))
        text = f"Question {question}: " + "why and how, " * (1 + question % 20)
        body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
        if dice.random() < 0.3:
            body["stream"] = True
        body["max_tokens"] = 60
        one: Sent = {"after_ms": round(at), "key": key, "body": body}
        if dice.random() < 0.03:
            one["leaves_ms"] = 150
        found.append(one)
    return found


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("day")
    (folder / "digest.py").write_text(DIGEST)
    for name, changes in CHANGES.items():
        text = CONFIG
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / name).mkdir()
        (folder / name / "plugins.yaml").write_text(text)
    return folder, lived(folder, calls(), list(CHANGES), [("same", name) for name in CHANGES])


def spent(folder: Path) -> Decimal:
    with connection(folder) as rows:
        (row,) = rows.execute("SELECT sum(cost_nano_usd) AS spent FROM ledger_call").fetchall()
    return Decimal(row["spent"]).scaleb(-9)


def test_the_same_configuration_decides_every_call_as_it_did(day: tuple[Path, Any]) -> None:
    report = day[1]["replayed"]["same same"]
    assert report["calls"] + sum(report["left_out"].values()) == len(calls())
    assert (report["differences"], report["examples"]) == (0, [])
    assert Decimal(report["cost"]["after_usd"]) == spent(day[0] / "same")
    assert report["hit_rate"]["after"] > 0.1
    assert report["refused"]["after"] > 0


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "same"])
def test_a_changed_one_costs_what_it_really_costs_within_two_percent(name: str, day: tuple[Path, Any]) -> None:
    folder, done = day
    report, real = done["replayed"][f"same {name}"], spent(folder / name)
    assert report["differences"] > 0
    assert abs(Decimal(report["cost"]["after_usd"]) - real) <= real * Decimal("0.02")
    before = Decimal(report["cost"]["before_usd"])
    low, high = (Decimal(report["cost"][f"change_{one}_usd"]) for one in ("low", "high"))
    assert before + low - real * Decimal("0.02") <= real <= before + high + real * Decimal("0.02")


def test_what_is_refused_anew_is_what_would_have_been_refused(day: tuple[Path, Any]) -> None:
    _, done = day
    refused = sum(status == 429 for status in done["served"]["tighter"])
    left = sum(status == 0 for status in done["served"]["tighter"])
    assert refused > 5
    assert abs(done["replayed"]["same tighter"]["refused"]["after"] - refused - left) <= 1
