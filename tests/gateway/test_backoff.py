"""How long is waited before the next try."""

from __future__ import annotations

from random import Random

import pytest

from cognitude_plugins.gateway.backoff import pause, retry_after


def test_pauses_double_and_are_drawn_from_their_upper_half() -> None:
    random = Random(7)
    drawn = [[pause(number, 0.25, 10, random) for _ in range(200)] for number in (1, 2, 3, 9, 5000)]
    for pauses, whole in zip(drawn, (0.25, 0.5, 1.0, 10, 10), strict=True):
        assert whole / 2 <= min(pauses) < max(pauses) <= whole
        assert len(set(pauses)) > 190


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT"}, 10),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT"}, 0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 -0000"}, 10),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, 86_400_000),
        ({"retry-after-ms": "x", "retry-after": "3"}, 3),
        ({"retry-after": "Wed, 99 Oct 99999 07:28:10 GMT"}, None),
    ],
)
def test_what_an_answer_says_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, lambda: 1_445_412_480.0) == seconds
