"""Finding bank account numbers."""

from __future__ import annotations

import pytest

from cognitude_plugins.redact.ibans import ibans


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in ibans(text)]


@pytest.mark.parametrize(
    "iban",
    ["DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "gb82west12345698765432", "NO9386011117947"],
)
def test_an_account_number_is_found_among_words(iban: str) -> None:
    assert found(f"Pay to {iban} and be quick") == [iban]
    assert found(iban) == [iban]


@pytest.mark.parametrize(
    "text", ["DE88370400440532013000", "DE8937040044053201300", "XX89370400440532013000", "CODE89370400440532013000"]
)
def test_wrong_check_digits_lengths_and_countries_are_not(text: str) -> None:
    assert found(text) == []
