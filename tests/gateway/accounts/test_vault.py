"""Sealing: what is sealed opens with its key and its context only, and nothing else can be read or forged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.accounts.secret_keys import SecretKey, SecretKeys
from cognitude_plugins.gateway.accounts.vault import Sealed, Unsealable, seal, unseal

OLD, NEW = SecretKey.of("old-" * 10), SecretKey.of("new-" * 10)
PLAIN, CONTEXT = b"sk-live-0123456789", b"acme\0openai"


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_what_is_sealed_opens_again(plain: bytes, context: bytes) -> None:
    secrets = SecretKeys([NEW])
    assert unseal(secrets, seal(secrets, plain, context), context) == plain


def test_no_two_seals_are_alike_and_none_shows_what_is_in_it() -> None:
    secrets = SecretKeys([NEW])
    sealed = [seal(secrets, PLAIN, CONTEXT) for _ in range(50)]
    assert len({one.content for one in sealed}) == 50
    assert len({one.content[1:13] for one in sealed}) == 50
    for one in sealed:
        assert PLAIN not in one.content
        assert repr(one) == f"Sealed(secret_key='{NEW.id}')"


def test_the_current_key_seals_and_the_older_ones_still_open() -> None:
    before = seal(SecretKeys([OLD]), PLAIN, CONTEXT)
    both = SecretKeys([NEW, OLD])
    assert unseal(both, before, CONTEXT) == PLAIN
    assert seal(both, PLAIN, CONTEXT).secret_key == NEW.id
    with pytest.raises(Unsealable, match=f"{OLD.id}, which this gateway does not have") as caught:
        unseal(SecretKeys([NEW]), before, CONTEXT)
    assert PLAIN.decode() not in str(caught.value)


@pytest.mark.parametrize("context", [b"", b"acme\0anthropic", b"other\0openai", CONTEXT + b"\0"])
def test_what_is_sealed_for_one_place_does_not_open_at_another(context: bytes) -> None:
    secrets = SecretKeys([NEW])
    with pytest.raises(Unsealable, match="belongs elsewhere"):
        unseal(secrets, seal(secrets, PLAIN, CONTEXT), context)


def test_one_changed_bit_anywhere_is_noticed() -> None:
    secrets = SecretKeys([NEW])
    sealed = seal(secrets, PLAIN, CONTEXT)
    for place in range(len(sealed.content)):
        changed = bytearray(sealed.content)
        changed[place] ^= 1
        with pytest.raises(Unsealable):
            unseal(secrets, Sealed(secret_key=NEW.id, content=bytes(changed)), CONTEXT)


def test_anything_shorter_is_noticed() -> None:
    secrets = SecretKeys([NEW])
    sealed = seal(secrets, PLAIN, CONTEXT)
    for length in range(len(sealed.content)):
        with pytest.raises(Unsealable):
            unseal(secrets, Sealed(secret_key=NEW.id, content=sealed.content[:length]), CONTEXT)


def test_a_seal_under_another_keys_name_does_not_open() -> None:
    both = SecretKeys([NEW, OLD])
    sealed = seal(both, PLAIN, CONTEXT)
    with pytest.raises(Unsealable):
        unseal(both, Sealed(secret_key=OLD.id, content=sealed.content), CONTEXT)
