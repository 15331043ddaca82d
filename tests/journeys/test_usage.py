"""What was used and spent, as an organization, a gateway admin and the command line see it: the sums of the rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pyarrow.parquet
import pytest

from tests.journeys.ledger_place import OTHER_KEY, Place, placed
from tests.journeys.rows import cognitude, connection, journaled
from tests.journeys.waiting import eventually
from tests.processes import ADMIN_KEY, KEY

SUMS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "cost_nano_usd", "saved_nano_usd")


def rows_of(place: Place, **where: str) -> list[dict[str, Any]]:
    with closing(connection(place.folder)) as rows:
        found: list[dict[str, Any]] = rows.execute("SELECT * FROM ledger_call").fetchall()
    return [row for row in found if all((row[name] or "") == value for name, value in where.items())]


def summed(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "calls": len(rows),
        "errors": sum(row["status"] >= 400 for row in rows),
        "incomplete": sum(not row["complete"] for row in rows),
        "unpriced_calls": sum(row["cost_nano_usd"] is None for row in rows),
        **{name: sum(row[name] or 0 for row in rows) for name in SUMS},
    }


def agrees(said: Mapping[str, Any], rows: list[dict[str, Any]]) -> bool:
    return {name: said[name] for name in summed(rows)} == summed(rows)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Calls of two organizations, of two users and of nobody, of several models, good and bad ones."""
    with placed(tmp_path_factory.mktemp("usage")) as place:
        place.reset()
        for key in (KEY, OTHER_KEY):
            for user in ("ann", "bob"):
                place.ask(key=key, user=user, headers={"x-cognitude-tags": "a=1"})
                place.ask(key=key, user=user, model="dear", stream=True)
            place.ask(key=key, model="nobodys")
            place.ask(key=key, model="unpriced")
            place.ask("early", key=key)
        place.ask(model="gone", user="ann")
        assert eventually(lambda: len(rows_of(place)) == len(journaled(place.folder)) == 15)
        yield place


@pytest.mark.parametrize("dimension", ["day", "model", "provider", "user", "key"])
def test_an_organization_sees_the_sums_of_its_own_rows(filled: Place, dimension: str) -> None:
    for key, organization in ((KEY, "default"), (OTHER_KEY, "globex")):
        rows = rows_of(filled, organization=organization)
        with filled.one.client(key=key) as client:
            said = client.get("/analytics/usage", params={"group_by": dimension}).json()
        assert agrees(said["total"], rows)
        if dimension != "day":
            for group in said["data"]:
                assert agrees(group, [row for row in rows if (row[dimension] or "") == group["group"][dimension]])
            assert len(said["data"]) == len({row[dimension] or "" for row in rows})


def test_a_gateway_admin_sees_all_or_one(filled: Place) -> None:
    with filled.one.client(key=ADMIN_KEY) as admin:
        across = admin.get("/analytics/usage", params={"group_by": "organization"}).json()
        one = admin.get("/analytics/usage", params={"organization": "globex"}).json()
    assert agrees(across["total"], rows_of(filled))
    for group in across["data"]:
        assert agrees(group, rows_of(filled, **group["group"]))
    assert agrees(one["total"], rows_of(filled, organization="globex"))


def test_nobody_else_sees_it(filled: Place) -> None:
    with filled.one.client(key=OTHER_KEY) as client:
        for foreign in ("default", "nobodys"):
            said = client.get("/analytics/usage", params={"organization": foreign})
            assert (said.status_code, said.json()["error"]["code"]) == (404, "not_found")
        assert client.get("/analytics/usage", params={"group_by": "organization"}).status_code == 400
        everything = client.get("/analytics/usage", params={"group_by": "key"}).text
        assert "bootstrap" not in everything
    with filled.one.client(key="nobodys-key-at-all-0123456789") as client:
        assert client.get("/analytics/usage").status_code == 401


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"group_by": "hour"}, "group_by"),
        ({"group_by": ""}, "group_by"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"end_date": "2026-02-30"}, "end_date"),
        ({"start_date": "2026-02-02", "end_date": "2026-02-01"}, "start_date"),
        ({"from": "2026-02-02"}, "from"),
    ],
    ids=str,
)
def test_a_question_that_is_wrong_is_refused(filled: Place, params: dict[str, str], param: str) -> None:
    with filled.one.client() as client:
        said = client.get("/analytics/usage", params=params)
    assert (said.status_code, said.json()["error"]["param"]) == (400, param)


def test_the_command_line_says_the_same(filled: Place) -> None:
    said = json.loads(cognitude(filled.folder, "usage", "--by", "model", "--json"))
    assert agrees(said["total"], rows_of(filled))
    said = json.loads(cognitude(filled.folder, "usage", "--organization", "globex", "--by", "user", "--json"))
    assert agrees(said["total"], rows_of(filled, organization="globex"))
    table = cognitude(filled.folder, "usage", "--by", "organization")
    assert "globex" in table
    assert "is not known" in table


def test_an_export_is_the_rows_in_every_format(filled: Place) -> None:
    rows = sorted(rows_of(filled, organization="globex"), key=lambda row: (row["time_ms"], row["id"]))
    words = ("ledger", "export", "--organization", "globex", "--output")
    cognitude(filled.folder, *words, "out.jsonl")
    lines = [json.loads(line) for line in (filled.folder / "out.jsonl").read_text().splitlines()]
    assert [{**line, "tags": json.dumps(line["tags"], separators=(",", ":"))} for line in lines] == [
        {**row, "time": line["time"]} for row, line in zip(rows, lines, strict=True)
    ]
    cognitude(filled.folder, *words, "out.parquet", "--format", "parquet")
    table = pyarrow.parquet.read_table(filled.folder / "out.parquet").to_pylist()
    assert [{name: line[name] for name in rows[0]} for line in table] == rows
    cognitude(filled.folder, *words, "out.csv", "--format", "csv")
    with (filled.folder / "out.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert [(cell["id"], cell["cost_nano_usd"], cell["complete"]) for cell in cells] == [
        (row["id"], "" if row["cost_nano_usd"] is None else str(row["cost_nano_usd"]), str(row["complete"]).lower())
        for row in rows
    ]
