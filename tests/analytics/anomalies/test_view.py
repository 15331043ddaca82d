"""Anomalies in a terminal of 80 columns."""

from __future__ import annotations

from typing import Any

from cognitude_plugins.analytics.anomalies.view import anomaly_lines

DRIVER = {"dimension": "model", "value": "gpt\x1b[31m", "calls": 1200, "errors": 0, "cost_usd": "1234.5", "share": 1.0}
ONE: dict[str, Any] = {
    "metric": "spend",
    "cause": "cost per call",
    "start": "2026-11-17T23:00:00+01:00",
    "end": "2026-11-18T01:00:00+01:00",
    "hours": 2,
    "score": 12.345,
    "value": "700.25",
    "usual": "0.0123456",
    "calls": 1300,
    "cost_usd": "1234.5",
    "drivers": [
        {**DRIVER, "usual_calls": 12.5, "usual_cost_usd": "1"},
        {**DRIVER, "dimension": "key", "value": "k" * 50, "usual_calls": None, "usual_cost_usd": None},
    ],
}
FOUND = {"start_date": "2026-11-12", "end_date": "2026-11-18", "time_zone": "Europe/Berlin", "hours": 160}


def test_they_look_like_this() -> None:
    errors = {**ONE, "metric": "errors", "cause": "error rate", "value": 0.5, "usual": 0.01, "drivers": []}
    slow = {**errors, "metric": "latency", "cause": "latency", "value": 9.5, "usual": 1.0}
    lines = [line.rstrip() for line in anomaly_lines({**FOUND, "anomalies": [ONE, errors, slow]})]
    assert max(map(len, lines)) <= 80
    assert lines == SNAPSHOT.splitlines()


def test_none_and_not_yet_are_said() -> None:
    assert next(anomaly_lines({**FOUND, "anomalies": []})).startswith("No anomalies in 160 hours")
    assert next(anomaly_lines({**FOUND, "hours": 0, "anomalies": []})).startswith("Too little is known")


SNAPSHOT = """\
3 anomalies in 160 hours, 2026-11-12 to 2026-11-18 (Europe/Berlin)

Spend, by cost per call: 2026-11-17 23:00 to 2026-11-18 01:00, score 12.3
  700.25 USD in the worst hour, usually 0.0123 USD
  1,300 calls, 1,234.50 USD in this time
                                             CALLS  USUALLY         USD  EXCESS
  model    gpt?[31m                          1,200       12    1,234.50   100 %
  key      kkkkkkkkkkkkkkkkkkkkkkkkkkkk…     1,200        -    1,234.50   100 %

Errors: 2026-11-17 23:00 to 2026-11-18 01:00, score 12.3
  50.0 % of calls in the worst hour, usually 1.0 % of calls
  1,300 calls, 1,234.50 USD in this time

Latency: 2026-11-17 23:00 to 2026-11-18 01:00, score 12.3
  9.500 s (p95) in the worst hour, usually 1.000 s (p95)
  1,300 calls, 1,234.50 USD in this time
"""
