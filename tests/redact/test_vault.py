"""Placeholders and what they stand for."""

from __future__ import annotations

from cognitude_plugins.redact.vault import PLACEHOLDER, Vault, lookalikes


def test_the_same_value_has_the_same_placeholder_and_another_has_another() -> None:
    vault = Vault()
    assert vault.placeholder("EMAIL", "a@example.com") == "[EMAIL_1]"
    assert vault.placeholder("EMAIL", "b@example.com") == "[EMAIL_2]"
    assert vault.placeholder("CARD", "4111") == "[CARD_1]"
    assert vault.placeholder("EMAIL", "a@example.com") == "[EMAIL_1]"
    assert vault.values == {"[EMAIL_1]": "a@example.com", "[EMAIL_2]": "b@example.com", "[CARD_1]": "4111"}


def test_a_placeholder_that_is_in_the_request_is_not_given_out() -> None:
    assert Vault(["[EMAIL_1]", "[EMAIL_3]"]).placeholder("EMAIL", "a") == "[EMAIL_2]"


def test_no_value_is_in_a_repr() -> None:
    vault = Vault()
    vault.placeholder("KEY", "canary-value")
    assert "canary" not in repr(vault)
    assert "canary" not in str(vault)


def test_every_placeholder_has_the_shape_that_is_searched_for() -> None:
    vault = Vault()
    for kind in ("EMAIL", "X", "A" * 31, "A_1"):
        assert PLACEHOLDER.fullmatch(vault.placeholder(kind, kind))
    assert list(lookalikes("a [EMAIL_1] [[KEY_2]] [no] [X] []")) == ["[EMAIL_1]", "[KEY_2]"]
