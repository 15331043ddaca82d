"""W3C Trace Context: a trace is continued under a span of our own, anything else begins a new one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.traceparent import continued

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@pytest.mark.parametrize("flags", ["00", "01"])
@pytest.mark.parametrize("version", ["00", "01", "cc"])
def test_a_trace_is_continued_with_its_flags_and_a_new_span(version: str, flags: str) -> None:
    made = continued(f"{version}-{TRACE}-{SPAN}-{flags}".encode())
    assert FORM.fullmatch(made)
    assert made.startswith(f"00-{TRACE}-")
    assert made.endswith(f"-{flags}")
    assert SPAN not in made


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"nonsense",
        f"ff-{TRACE}-{SPAN}-01".encode(),
        f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE.upper()}-{SPAN}-01".encode(),
        f"00-{TRACE}-{SPAN}".encode(),
        f"00-{TRACE}-{SPAN}-01\n".encode(),
        f" 00-{TRACE}-{SPAN}-01".encode(),
        f"01-{TRACE}-{SPAN}-01-{'x' * 1000}".encode(),
    ],
)
def test_what_is_no_traceparent_begins_a_new_trace(header: bytes | None) -> None:
    made = continued(header)
    assert FORM.fullmatch(made)
    assert TRACE not in made
    assert continued(header) != made


@given(st.binary(max_size=80))
def test_whatever_comes_in_a_traceparent_goes_out(header: bytes) -> None:
    assert FORM.fullmatch(continued(header))
