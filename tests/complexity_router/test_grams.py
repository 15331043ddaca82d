"""Buckets of one token and of two neighbours."""

from __future__ import annotations

from zlib import crc32

from cognitude_plugins.complexity_router.grams import BUCKETS, buckets


def test_a_pair_is_the_hash_of_both_joined() -> None:
    assert set(buckets([b"how", b"many"])) == {crc32(one) % BUCKETS for one in (b"how", b"many", b"howmany")}


def test_order_tells_pairs_apart_and_repeats_count_once() -> None:
    assert set(buckets([b"a", b"b"])) != set(buckets([b"b", b"a"]))
    assert set(buckets([b"a", b"b", b"a", b"b"])) == set(buckets([b"a", b"b"])) | set(buckets([b"b", b"a"]))
    assert buckets([]) == ()
