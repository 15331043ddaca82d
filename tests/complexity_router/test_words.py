"""The lists of words: tokens, as the features make them."""

from __future__ import annotations

from cognitude_plugins.complexity_router.words import GROUPS, INTENT, INTENTS, MEMBER, ORDER, PHRASES


def test_every_group_has_its_place_once() -> None:
    assert sorted(ORDER) == sorted(GROUPS)
    assert set(INTENTS) < set(GROUPS)
    assert {ORDER[place] for place in INTENT.values()} == set(INTENTS)
    assert {ORDER[place] for place in MEMBER.values()} == set(GROUPS) - set(INTENTS)


def test_what_is_looked_up_is_in_lower_case() -> None:
    for word in [*GROUPS.values(), *(one for phrases in PHRASES.values() for one in phrases)]:
        assert word == word.lower()
