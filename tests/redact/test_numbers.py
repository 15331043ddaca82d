"""Finding card and telephone numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.redact.numbers import cards, phones


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in cards(text)]


@pytest.mark.parametrize(
    "card",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\u20131111\u20131111\u20131111",
        "4222222222222",
        "5555555555554444",
        "2223003122003222",
        "3782 822463 10005",
        "30569309025904",
        "6011111111111117",
        "3530111333300000",
        "6759649826438453",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    ],
)
def test_a_card_number_is_found_alone_and_in_a_sentence(card: str) -> None:
    assert found(card) == [card]
    assert found(f"Pay 2 times with {card}, 12 Euro") == [card]
    assert found(f"card={card}.") == [card]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "1234567812345670",
        "0000000000000000",
        "411111111111",
        "41111111111111110000000000",
        "0.4111111111111111",
        "4111  1111  1111  1111",
        "1700000000000000",
        "",
    ],
)
def test_other_long_numbers_are_not_cards(text: str) -> None:
    assert found(text) == []


def test_a_card_among_other_groups_of_digits_is_found() -> None:
    assert found("12 4111 1111 1111 1111 99 5555555555554444 7") == ["4111 1111 1111 1111", "5555555555554444"]


def luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


@given(st.text("0123456789", min_size=15, max_size=15))
def test_the_luhn_sum_decides(digits: str) -> None:
    number = f"4{digits}"
    assert bool(found(number)) == luhn(number)


@pytest.mark.parametrize(
    "phone", ["+49 30 1234567", "+1 (415) 555-2671", "+14155552671", "(415) 555-2671", "415-555-2671", "415.555.2671"]
)
def test_a_telephone_number_is_found(phone: str) -> None:
    text = f"Call {phone} now"
    assert [text[span.start : span.end] for span in phones(text)] == [phone]


@pytest.mark.parametrize(
    "text", ["1 + 1 = 2", "2024-11-21", "10.0.0.1", "+1234", "4155552671", "version 415.555.26711"]
)
def test_other_numbers_are_no_telephone_numbers(text: str) -> None:
    assert list(phones(text)) == []
