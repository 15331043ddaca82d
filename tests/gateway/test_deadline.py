"""The header with which a request shortens its total."""

from __future__ import annotations

from pathlib import Path

import pytest

from cognitude_plugins.gateway.deadline import seconds_of
from tests.gateway.calls import CHAT, Upstream, asked, runtime_of, whole


@pytest.mark.parametrize(
    ("value", "seconds"), [(b"1", 0.001), (b"1500", 1.5), (b"007", 0.007), (b"9" * 12, 999999999.999)]
)
def test_it_is_milliseconds(value: bytes, seconds: float) -> None:
    assert seconds_of(value) == seconds


@pytest.mark.parametrize("value", [b"", b"0", b"-5", b"1.5", b"1e3", b" 5", b"5s", b"9" * 13, b"\xb2", b"+5"])
async def test_what_is_no_time_is_a_400_that_names_it(tmp_path: Path, value: bytes) -> None:
    with pytest.raises(ValueError, match="x-request-timeout-ms is "):
        seconds_of(value)
    upstream = Upstream()
    said = await asked(
        runtime_of(tmp_path, upstream=upstream), headers={"x-request-timeout-ms": value.decode("latin-1")}
    )
    assert (said.status, said.json["error"]["param"]) == (400, "x-request-timeout-ms")
    assert "a whole number of milliseconds" in said.json["error"]["message"]
    assert upstream.asked == []


@pytest.mark.parametrize(("value", "most"), [("500", 0.5), ("99999999", 600.0)])
async def test_it_only_ever_shortens_the_total(tmp_path: Path, value: str, most: float) -> None:
    upstream = Upstream(lambda call: whole())
    said = await asked(runtime_of(tmp_path, upstream=upstream), CHAT, headers={"x-request-timeout-ms": value})
    assert said.status == 200
    total = upstream.asked[0][2].timeouts.total
    assert most - 0.3 < total <= most
