"""The format of keys: what we make is ours, what was changed by one character is not."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from cognitude_plugins.gateway.accounts.tokens import digest, new_id, new_token, parse

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_new_token_has_the_format_and_is_parsed() -> None:
    for _ in range(200):
        token = new_token()
        assert re.fullmatch(rb"cog_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}", token.text)
        assert parse(token.text) == token
        assert token.text.startswith(f"cog_{token.id}_".encode())


def test_the_checksum_is_the_crc_of_all_before_it() -> None:
    """Another program can check it: the sum of this token was worked out by hand once."""
    token = b"cog_" + b"0" * 16 + b"_" + b"0" * 43
    import zlib

    number, digits = zlib.crc32(token), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    assert parse(token + digits.encode()) is not None
    assert number == 0


def test_two_tokens_are_never_the_same_and_use_all_of_the_alphabet() -> None:
    texts = {new_token().text for _ in range(2000)}
    assert len(texts) == 2000
    assert set(b"".join(text[21:64] for text in texts)) == set(ALPHABET.encode())
    assert len({new_id() for _ in range(2000)}) == 2000


def test_the_secret_holds_256_bits() -> None:
    """Every one of them is as often set as not: in 2 000 secrets, nine standard deviations either way."""
    assert 62**43 > 2**256 > 62**42
    numbers = [number_of(new_token().text[21:64]) for _ in range(2000)]
    set_in = [sum(number >> bit & 1 for number in numbers) for bit in range(256)]
    assert 800 < min(set_in) <= max(set_in) < 1200


def number_of(secret: bytes) -> int:
    number = 0
    for digit in secret.decode():
        number = number * 62 + ALPHABET.index(digit)
    return number


@given(place=st.integers(0, 69), other=st.integers(0, 255))
def test_a_token_with_one_byte_changed_is_not_ours(place: int, other: int) -> None:
    text = bytearray(new_token().text)
    if text[place] != other:
        text[place] = other
        assert parse(bytes(text)) is None


@given(place=st.integers(0, 70), extra=st.binary(min_size=1, max_size=3))
@example(place=70, extra=b"\n")
def test_a_token_with_something_more_or_less_is_not_ours(place: int, extra: bytes) -> None:
    text = new_token().text
    assert parse(text[:place] + extra + text[place:]) is None
    assert parse(text[:place]) is None or place == 70


@given(st.binary(max_size=100))
def test_nothing_else_is_ours(text: bytes) -> None:
    assert parse(text) is None


def test_the_secret_is_not_in_what_a_token_shows() -> None:
    token = new_token()
    assert token.text.decode()[21:] not in repr(token)


def test_a_digest_depends_on_pepper_and_token() -> None:
    one, other = new_token().text, new_token().text
    made = {digest(pepper, token) for pepper in (b"a" * 32, b"b" * 32) for token in (one, other)}
    assert len(made) == 4
    assert {len(each) for each in made} == {32}
    assert digest(b"a" * 32, one) == digest(b"a" * 32, one)


def test_a_digest_is_hmac_sha_256() -> None:
    """RFC 4231, test case 2. Any other digest would lock every key out, too."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert digest(b"Jefe", b"what do ya want for nothing?").hex() == expected
