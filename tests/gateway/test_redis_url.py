"""Every form of ``services.redis``, and what is said about those that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.config import load
from cognitude_plugins.gateway.redis_url import RedisUrl, parse_redis
from hooks import ConfigError

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("memory", {"kind": "memory"}),
        ("embedded", {"kind": "embedded"}),
        ("redis://cache", {"kind": "single", "hosts": (("cache", 6379),)}),
        ("redis://cache/", {"kind": "single", "hosts": (("cache", 6379),)}),
        ("redis://10.0.0.5:6380/2", {"kind": "single", "hosts": (("10.0.0.5", 6380),), "db": 2}),
        ("redis://[::1]:6380", {"kind": "single", "hosts": (("::1", 6380),)}),
        ("redis://:p%40ss%2F@cache", {"kind": "single", "hosts": (("cache", 6379),), "password": "p@ss/"}),
        (
            "rediss://ada:a:b@cache.internal:6380",
            {
                "kind": "single",
                "hosts": (("cache.internal", 6380),),
                "username": "ada",
                "password": "a:b",
                "tls": True,
            },
        ),
        (
            "rediss://cache?ssl_ca_certs=/etc/ca.pem&ssl_certfile=/etc/own.pem",
            {
                "kind": "single",
                "hosts": (("cache", 6379),),
                "tls": True,
                "certificates": (("ssl_ca_certs", "/etc/ca.pem"), ("ssl_certfile", "/etc/own.pem")),
            },
        ),
        ("unix:///run/redis.sock", {"kind": "single", "path": "/run/redis.sock"}),
        (
            "unix://:pw@/run/my%20redis.sock?db=3",
            {"kind": "single", "path": "/run/my redis.sock", "password": "pw", "db": 3},
        ),
        (
            "redis+sentinel://:pw@one,two:26380/main",
            {"kind": "sentinel", "hosts": (("one", 26379), ("two", 26380)), "service": "main", "password": "pw"},
        ),
        (
            "rediss+sentinel://one/my%20main/4?sentinel_password=s%26p",
            {
                "kind": "sentinel",
                "hosts": (("one", 26379),),
                "service": "my main",
                "db": 4,
                "tls": True,
                "sentinel_password": "s&p",
            },
        ),
        ("redis+cluster://one:7000,two", {"kind": "cluster", "hosts": (("one", 7000), ("two", 6379))}),
        ("rediss+cluster://[fd00::1]/0", {"kind": "cluster", "hosts": (("fd00::1", 6379),), "tls": True}),
    ],
)
def test_each_form_is_understood(text: str, expected: dict[str, Any]) -> None:
    assert parse_redis(text) == RedisUrl(**expected)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must be memory, embedded, redis://"),
        ("Embedded", "must be memory, embedded, redis://"),
        ("localhost:6379", "must be memory, embedded, redis://"),
        ("http://cache", "must be memory, embedded, redis://"),
        ("redis:cache", "must be memory, embedded, redis://"),
        ("redis://", "must have a host"),
        ("redis://a b", "no spaces"),
        ("redis://cache\n", "no spaces, line ends"),
        ("redis://cache#1", "no spaces, line ends or #"),
        ("redis://cache:port", "must have a host"),
        ("redis://[::g]", "must have a host"),
        ("redis://[1.2.3]", "must have a host"),
        ("redis://cache:0", "port from 1 to 65535"),
        ("redis://cache:65536", "port from 1 to 65535"),
        ("redis://one,two", "must name one host"),
        ("redis://cache/main", "number of a database"),
        ("redis://cache/1/2", "number of a database"),
        ("redis://cache/٣", "number of a database"),
        ("redis://cache?db=1", "must have nothing behind a ?"),
        ("rediss://cache?ssl_cert_reqs=none", "must have only ssl_ca_certs, ssl_certfile, ssl_keyfile behind a ?"),
        ("rediss://cache?ssl_ca_certs=ca.pem", "absolute paths"),
        ("redis://ada@cache", "user without a password"),
        ("redis://ada:@cache", "user without a password"),
        ("unix://run/redis.sock", "three slashes"),
        ("unix:///", "three slashes"),
        ("unix:///run/a%00b", "three slashes"),
        ("unix:///" + "s" * 107, "at most 107 bytes"),
        ("unix:///run/redis.sock?db=x", "number of a database"),
        ("redis+sentinel://one,two", "name that the Sentinels have"),
        ("redis+sentinel://one/main/x", "number of a database"),
        ("redis+sentinel://one,,two/main", "must have a host"),
        ("redis+cluster://one/1", "that of a cluster is 0"),
    ],
)
def test_what_is_none_is_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_redis(text)
    assert rule in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"redis://:{SECRET}/x@cache",
        f"redis://:a?{SECRET}@cache",
        f"redis://:a#{SECRET}@cache",
        f"redis://:{SECRET}@cache:x",
        f"redis://:{SECRET} @cache",
        f"redis://{SECRET}@cache",
        f"redis+sentinel://:{SECRET}@cache",
        f"redis+cluster://:{SECRET}@cache/7",
        f"redis+sentinel://cache/main?password={SECRET}",
        f"http://:{SECRET}@cache",
    ],
)
@pytest.mark.parametrize("form", ["services: {{redis: '{}'}}", "services: {{redis: {{url: '{}'}}}}"])
def test_a_password_is_in_no_error(tmp_path: Path, text: str, form: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_redis(text)
    assert SECRET not in str(refused.value)
    (tmp_path / "plugins.yaml").write_text(form.format(text))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "plugins.yaml", {})
    [problem] = caught.value.problems
    assert problem.path.startswith("services.redis")
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(problem)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("memory", "memory"),
        ("redis://ada:pw@cache", "redis://cache:6379"),
        ("rediss://:pw@[::1]:1/2", "rediss://[::1]:1/2"),
        ("unix://:pw@/run/redis.sock?db=3", "unix:///run/redis.sock?db=3"),
        (
            "rediss+sentinel://:pw@one,two/main/1?sentinel_password=pw",
            "rediss+sentinel://one:26379,two:26379/main/1",
        ),
        ("redis+cluster://:pw@one,two", "redis+cluster://one:6379,two:6379"),
    ],
)
def test_what_is_shown_has_no_password_and_leads_to_the_same_place(text: str, shown: str) -> None:
    url = parse_redis(text)
    assert str(url) == shown
    assert "pw" not in repr(url)
    assert str(parse_redis(shown)) == shown


@given(st.text())
def test_any_text_is_understood_or_refused(text: str) -> None:
    for before in ("", "redis://", "unix://", "redis+sentinel://"):
        assert refusal(before + text).startswith(("must ", "has ", "needs ", "none"))


def refusal(text: str) -> str:
    try:
        parse_redis(text)
    except ValueError as error:
        return str(error)
    return "none"


def test_the_setting_is_memory_unless_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "plugins.yaml").write_text("models: []")
    assert load(tmp_path / "plugins.yaml", {}).services.redis.parsed.kind == "memory"


def test_a_url_may_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "plugins.yaml").write_text("services: {redis: '${REDIS_URL:-embedded}'}")
    assert load(tmp_path / "plugins.yaml", {}).services.redis.parsed.kind == "embedded"
    environ = {"REDIS_URL": f"redis://:{SECRET}@cache"}
    config = load(tmp_path / "plugins.yaml", environ)
    assert config.services.redis.parsed.password == SECRET
    assert SECRET not in repr(config)
    (tmp_path / "url").write_text(f"redis://:{SECRET}@elsewhere\n")
    (tmp_path / "plugins.yaml").write_text("services: {redis: {url: 'file:url'}}")
    assert load(tmp_path / "plugins.yaml", {}).services.redis.parsed.hosts == (("elsewhere", 6379),)
