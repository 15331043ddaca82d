"""Answers as data for programs."""

from __future__ import annotations

import csv
import io
import json

from cognitude_plugins.analytics.monitor.records import as_csv, as_json

ROWS = [{"time": "14:00", "calls": 3, "p50": None, "model": '漢"字,\r\n\x1b[2J'}, {"time": "15:00", "calls": 0}]


def test_csv_is_read_back() -> None:
    first, second = csv.DictReader(io.StringIO(as_csv(ROWS)))
    assert first == {"time": "14:00", "calls": "3", "p50": "", "model": '漢"字,???[2J'}
    assert (second["calls"], second["model"]) == ("0", "")
    assert as_csv([]) == ""


def test_a_spreadsheet_takes_nothing_for_a_formula() -> None:
    text = as_csv([{"model": "=1+1", "saved": "-0.5", "calls": -3, "key": "-x"}])
    assert text.splitlines()[1] == "'=1+1,-0.5,-3,'-x"


def test_there_are_no_control_characters_but_ends_of_lines() -> None:
    for text in (as_csv(ROWS), as_json(ROWS)):
        assert "".join(text.split("\n")).isprintable()
    assert json.loads(as_json(ROWS)) == ROWS
