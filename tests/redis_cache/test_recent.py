"""The nearest layer: bounded, short-lived, and of each organization by itself."""

from __future__ import annotations

from cognitude_plugins.redis_cache.entry import Entry
from cognitude_plugins.redis_cache.recent import Recent


def entry(size: int = 100) -> Entry:
    return Entry(body=b"x" * size, created_ms=0, model="m")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def recent(most_bytes: int = 2000, seconds: float = 2.0) -> tuple[Recent, Clock]:
    clock = Clock()
    return Recent(most_bytes=most_bytes, seconds=seconds, clock=clock), clock


def test_it_is_kept_for_its_time() -> None:
    kept, clock = recent()
    kept.put("acme", "a", entry())
    clock.now = 1.99
    assert kept.get("acme", "a") == entry()
    clock.now = 2.0
    assert kept.get("acme", "a") is None
    assert (len(kept), kept.bytes) == (0, 0)


def test_the_least_recently_used_goes_first() -> None:
    kept, _ = recent()
    for key in "abcd":
        kept.put("acme", key, entry())
    assert kept.get("acme", "a")
    kept.put("acme", "e", entry())
    assert [key for key in "abcde" if kept.get("acme", key)] == ["a", "c", "d", "e"]
    assert kept.bytes == 2000


def test_what_is_larger_than_all_is_not_kept() -> None:
    kept, _ = recent()
    kept.put("acme", "a", entry())
    kept.put("acme", "b", entry(5000))
    assert [key for key in "ab" if kept.get("acme", key)] == ["a"]
    kept.put("acme", "a", entry(5000))
    assert kept.get("acme", "a") is None
    assert kept.bytes == 0


def test_nothing_is_kept_where_nothing_is_to_be() -> None:
    for kept, _ in (recent(most_bytes=0), recent(seconds=0)):
        kept.put("acme", "a", entry())
        assert kept.get("acme", "a") is None


def test_the_same_place_counts_once() -> None:
    kept, _ = recent()
    for _ in range(10):
        kept.put("acme", "a", entry())
    assert (len(kept), kept.bytes) == (1, 500)


def test_one_or_all_of_an_organization_are_forgotten() -> None:
    kept, _ = recent(10_000)
    for organization in ("acme", "beta"):
        for key in "ab":
            kept.put(organization, key, entry())
    kept.remove("acme", "a")
    assert (kept.get("acme", "a"), kept.get("acme", "b")) == (None, entry())
    kept.remove("acme")
    assert kept.get("acme", "b") is None
    assert kept.get("beta", "a") == entry()
    assert kept.bytes == 1000
