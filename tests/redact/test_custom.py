"""Custom expressions: what is let in, and that what is let in is bounded."""

from __future__ import annotations

import pytest

from cognitude_plugins.redact.custom import custom
from cognitude_plugins.redact.span import Span


@pytest.mark.parametrize(
    "pattern",
    [
        "EMP-[0-9]{6}",
        r"\bproject-(?:alpha|beta|gamma)\b",
        "(?i)internal-[a-z0-9]{1,40}",
        "[A-Z]{2}-?[0-9]{3,8}[a-z]?",
        "[a-z]{1,20}+@corp",
        "cust_[A-Za-z0-9]{1,80}+",
        "(?>ab|a)c",
    ],
)
def test_bounded_expressions_are_let_in(pattern: str) -> None:
    custom("X", pattern)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a+", "repeats without an end"),
        ("(?:ab)*c", "repeats without an end"),
        ("a{2,}", "repeats without an end"),
        ("a++b", "repeats without an end"),
        ("(a|b){1,9}\\1", "refers back"),
        ("(a)?(?(1)b|c)", "refers back"),
        ("(?=a)b", "looks ahead or behind"),
        ("(?<!a)b", "looks ahead or behind"),
        ("(?:a{1,9}){1,9}b", "over a million characters"),
        ("a{1,30}a{1,30}b", "characters for each place"),
        ("(?:a|a){30}b", "over a million"),
        ("(?:a?){50}", "matches nothing at all"),
        ("", "matches nothing at all"),
        ("a{1,4000000}b", "characters for each place"),
        ("(", "is not a regular expression"),
        ("a{99999999999}", "is not a regular expression"),
    ],
)
def test_what_may_take_longer_is_refused_with_the_reason(pattern: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        custom("X", pattern)


def test_a_match_is_a_span_of_its_kind() -> None:
    assert list(custom("EMPLOYEE", "EMP-[0-9]{3}")("an EMP-123, an EMP-45")) == [Span(3, 10, "EMPLOYEE")]
