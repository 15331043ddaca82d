"""URLs out of an API: what is accepted reads the same everywhere, and what could mean something else is refused."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from cognitude_plugins.gateway.outbound.addresses import networks, permitted
from cognitude_plugins.gateway.outbound.url import check_host, checked, checked_whole

GOOD = {
    "https://api.example.com": "https://api.example.com",
    "https://api.example.com/": "https://api.example.com",
    "HTTPS://API.Example.COM:443/v1/": "https://api.example.com/v1",
    "https://llm.example.com:8443/openai/v1": "https://llm.example.com:8443/openai/v1",
    "https://1.1.1.1/v1": "https://1.1.1.1/v1",
    "https://[2606:4700:4700::1111]:8443/v1": "https://[2606:4700:4700::1111]:8443/v1",
    "https://xn--bcher-kva.example/v1": "https://xn--bcher-kva.example/v1",
    "https://a_b.example.com/v%201": "https://a_b.example.com/v%201",
}

HOSTILE = [
    *("", "https://", "https:///v1", "//api.example.com", "api.example.com", "https:api.example.com", "https:/a.b"),
    *("http://api.example.com", "ftp://api.example.com", "file:///etc/passwd", "gopher://a.b", "unix:///tmp/x"),
    *("javascript:alert(1)", "https+unix://a.b", " https://a.b", "https://a.b ", "https://a.b\n", "https://a .b"),
    *("https://a.b\\@127.0.0.1", "https://a.b\t/v1", "https://a.b/\x00", "https://user@a.b", "https://u:p@a.b"),
    *("https://a.b@127.0.0.1/", "https://127.0.0.1#@a.b", "https://a.b?x=1", "https://a.b/v1?", "https://a.b/#f"),
    *("https://localhost", "https://localhost:8080/v1", "https://a.localhost", "https://redis", "https://LOCALHOST"),
    *("https://127.0.0.1", "https://127.1", "https://127.0.1", "https://2130706433", "https://0x7f000001"),
    *("https://0x7f.1", "https://0x7f.0x0.0x0.0x1", "https://0177.0.0.1", "https://017700000001", "https://0"),
    *("https://127.0.0.1.", "https://a.b.", "https://a..b", "https://.a.b", "https://0.0.0.0", "https://10.0.0.1"),
    *("https://169.254.169.254/latest/meta-data", "https://168.63.129.16", "https://100.100.100.200"),
    *("https://192.168.1.1", "https://172.16.0.1", "https://224.0.0.1", "https://255.255.255.255", "https://1.2.3"),
    *("https://a.0x7f", "https://256.256.256.256", "https://1.1.1.1.1", "https://01.1.1.1", "https://0x"),
    *("https://[::1]", "https://[::]", "https://[::ffff:127.0.0.1]", "https://[::127.0.0.1]", "https://[fe80::1]"),
    *("https://[fe80::1%25eth0]", "https://[2606:4700::1%1]", "https://[64:ff9b::7f00:1]", "https://[2002:7f00:1::]"),
    *("https://[fd00:ec2::254]", "https://[fec0::1]", "https://[ff02::1]", "https://[::1", "https://::1", "https://[]"),
    *("https://[1.1.1.1]", "https://[a.b]", "https://[::1]a.b", "https://a.b[::1]", "https://[v1.a]"),
    *("https://１２７.0.0.1", "https://ⓛocalhost", "https://①②⑦.0.0.1", "https://a。b", "https://bücher.example"),
    *("https://%6c%6fcalhost", "https://a%2eb", "https://127%2e0%2e0%2e1", "https://a.b%00", "https://a.b:"),
    *("https://a.b:0", "https://a.b:65536", "https://a.b:22", "https://a.b:25", "https://a.b:-1", "https://a.b:4a"),
    *("https://a.b:0443", "https://a.b:443:80", "https://a.b:１", "https://a.b/../v1", "https://a.b/v1/./x"),
    *("https://a.b/%2e%2E/v1", "https://a.b/v%zz", "https://a.b/[x]", 'https://a.b/"', "https://a.b/<x>"),
    *("https://-a.b", "https://a-.b", f"https://{'a' * 64}.b", f"https://{'a.' * 127}b", f"https://a.b/{'x' * 2048}"),
]


@pytest.mark.parametrize("url", GOOD)
def test_an_honest_url_is_put_into_one_spelling(url: str) -> None:
    assert checked(url) == GOOD[url]
    assert checked(checked(url)) == checked(url)


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|has) ") as caught:
        checked(url)
    assert not url.strip() or url not in str(caught.value)


def test_http_is_for_those_who_allow_it() -> None:
    assert checked("http://llm.example.com:80/v1", allow_http=True) == "http://llm.example.com/v1"
    assert checked("http://llm.example.com:443/v1", allow_http=True) == "http://llm.example.com:443/v1"
    with pytest.raises(ValueError, match=r"https://$"):
        checked("http://llm.example.com/v1")


def test_an_allowed_network_opens_its_addresses_and_names_without_a_dot() -> None:
    allow = networks(["10.0.0.0/8", "fd00::/8"])
    for url in ("https://10.0.0.5:8000/v1", "https://[fd00::5]/v1", "https://vllm:8000/v1", "https://localhost"):
        assert checked(url, allow=allow) == url
    for url in ("https://127.0.0.1", "https://10.1", "https://[fd00:ec2::254]", "https://0x0a000001"):
        with pytest.raises(ValueError, match="must"):
            checked(url, allow=allow)


PIECES = st.sampled_from(
    [
        *"aZ09.:@/\\?#[]%-_~ \t\x00&;=",
        *("https://", "http://", "//", "127.0.0.1", "0x7f", "::1", "a.b", ":443", "%2e", "..", "％", "。", "ß"),
        *("\u200b", "\u212a", "xn--", "localhost", "1", "@127.1"),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=12).map("".join)), st.booleans())
def test_what_is_accepted_is_read_alike_by_every_parser(text: str, prefixed: bool) -> None:
    try:
        made = checked(f"https://{text}" if prefixed else text, allow_http=True)
    except ValueError:
        return
    reading = urlsplit(made)
    host, port = reading.hostname, reading.port or (443 if reading.scheme == "https" else 80)
    assert host is not None
    yarl, other = URL(made), httpx.URL(made)
    assert (yarl.host, yarl.port, yarl.user) == (host, port, None)
    assert (other.host, other.port or port, other.userinfo) == (host, port, b"")
    assert ":" not in host or permitted(host)
    assert made.isascii()


WHOLE = {
    "https://hooks.example.com/": "https://hooks.example.com/",
    "HTTPS://Hooks.example.com:443/services/T0/B0/x/": "https://hooks.example.com/services/T0/B0/x/",
    "https://a.b/hook?sig=a%2Fb&x=1/2?3": "https://a.b/hook?sig=a%2Fb&x=1/2?3",
    "https://a.b?x=1": "https://a.b?x=1",
}


@pytest.mark.parametrize("url", WHOLE)
def test_one_that_is_called_as_it_is_keeps_its_query_and_its_last_slash(url: str) -> None:
    assert checked_whole(url) == WHOLE[url]
    assert checked_whole(checked_whole(url)) == WHOLE[url]
    assert str(URL(checked_whole(url), encoded=True)) in (WHOLE[url], WHOLE[url].replace("b?", "b/?"))


@pytest.mark.parametrize("url", [one for one in HOSTILE if "?" not in one])
def test_whatever_is_hostile_without_a_query_is_so_with_one(url: str) -> None:
    for whole in (url, f"{url}?x=1"):
        with pytest.raises(ValueError, match=r"^(must|has) "):
            checked_whole(whole)


@pytest.mark.parametrize("query", ["a b", "a#b", "%zz", "%", "ä", "a\nb", '"', "\\", "x" * 2048])
def test_a_query_is_of_plain_characters_and_escapes(query: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|has) "):
        checked_whole(f"https://a.b/?{query}")


def test_a_host_by_itself_is_held_to_the_same_rules() -> None:
    assert check_host("Mail.Example.com") == "mail.example.com"
    assert check_host("2606:4700:4700::1111") == check_host("[2606:4700:4700::1111]") == "2606:4700:4700::1111"
    for host in ("", "localhost", "127.0.0.1", "127.1", "::1", "[::1]", "a.b.", "a b", "a.b:25", "ⓛocalhost", "a@b.c"):
        with pytest.raises(ValueError, match="must"):
            check_host(host)
