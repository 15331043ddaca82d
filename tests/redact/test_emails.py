"""Finding e-mail addresses."""

from __future__ import annotations

import pytest

from cognitude_plugins.redact.emails import emails


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in emails(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada@example.com", ["ada@example.com"]),
        ("Write to ada.l+x_y%z@mail.example.co.uk.", ["ada.l+x_y%z@mail.example.co.uk"]),
        ("<ada@example.com>,'bob@example.org'", ["ada@example.com", "bob@example.org"]),
        ("ada@example.com-thanks", ["ada@example.com"]),
        ("ada@example.com.2", ["ada@example.com"]),
        ("o'brien@example.ie", ["o'brien@example.ie"]),
        ("mailto:ada@example.com?subject=x", ["ada@example.com"]),
        ("jürgen@exämple.de", ["jürgen@exämple.de"]),
        ("ju\u0308rgen@example.de", ["ju\u0308rgen@example.de"]),
        ("请写信给ada@example.com谢谢", ["ada@example.com"]),
        ("用户@例子.广告", ["用户@例子.广告"]),
        ("a@xn--80ak6aa92e.xn--p1ai", ["a@xn--80ak6aa92e.xn--p1ai"]),
        (r"{\"to\": \"x\nada@example.com\"}", ["ada@example.com"]),
        ("a" * 300 + "@example.com", ["a" * 300 + "@example.com"]),
        ("a@b@example.com", ["b@example.com"]),
        ("https://user:word@example.com/", ["word@example.com"]),
        ("\ud800ada@example.com\udfff", ["ada@example.com"]),
        ("user@localhost", []),
        ("pip install thing@1.2.3", []),
        ("@ada and @@ and @", []),
        ("ada @example.com", []),
        ("", []),
    ],
)
def test_addresses_are_found_whole_and_nothing_else(text: str, expected: list[str]) -> None:
    assert found(text) == expected
