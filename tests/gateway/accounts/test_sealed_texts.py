"""Texts that plugins keep sealed: opened for the same organization and purpose only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.accounts.sealed_texts import SealedTexts
from cognitude_plugins.gateway.accounts.secret_keys import SecretKey, SecretKeys

OLD, NEW = SecretKey.of("old-" * 10), SecretKey.of("new-" * 10)
SECRETS = SealedTexts(SecretKeys([NEW]))


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=200))
def test_what_is_sealed_opens_again(organization: str, about: str, plain: str) -> None:
    assert SECRETS.unseal(organization, about, SECRETS.seal(organization, about, plain)) == plain


def test_it_opens_nowhere_else() -> None:
    sealed = SECRETS.seal("acme", "alert_channel:1", "https://hooks.example.com/secret")
    for organization, about in (("other", "alert_channel:1"), ("acme", "alert_channel:2"), ("acme:alert_channel", "1")):
        with pytest.raises(ValueError, match="it has been changed, or belongs elsewhere") as caught:
            SECRETS.unseal(organization, about, sealed)
        assert "hooks" not in str(caught.value)
    assert "hooks" not in sealed


@pytest.mark.parametrize("stored", ["", "x", f"{NEW.id}:", f"{NEW.id}:AA==", f"{NEW.id}:%%", f"{NEW.id}:ä"])
def test_what_is_no_seal_is_said_to_be_none(stored: str) -> None:
    with pytest.raises(ValueError, match=r"it is not in the form|does not have"):
        SECRETS.unseal("acme", "x", stored)


def test_an_older_key_still_opens_and_a_missing_one_is_named() -> None:
    sealed = SealedTexts(SecretKeys([OLD])).seal("acme", "x", "plain")
    assert SealedTexts(SecretKeys([NEW, OLD])).unseal("acme", "x", sealed) == "plain"
    with pytest.raises(ValueError, match=f"secret key {OLD.id}, which this gateway does not have"):
        SECRETS.unseal("acme", "x", sealed)
