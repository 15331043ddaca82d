"""Which addresses are public: the registries' special ones are not, whatever the standard library thinks."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.outbound.addresses import is_public, networks, permitted

PUBLIC = ["1.1.1.1", "8.8.8.8", "104.18.6.192", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0"]
PUBLIC += ["169.253.255.255", "223.255.255.255", "198.17.255.255", "198.20.0.0", "192.0.1.0", "192.169.0.0"]
PUBLIC += ["2606:4700::6812:6c0", "2a00:1450:4001:82a::200e", "2001:4860:4860::8888", "2001:200::1", "3ffe::1"]

REFUSED = ["0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1"]
REFUSED += ["127.255.255.254", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1"]
REFUSED += ["192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255"]
REFUSED += ["198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"]
REFUSED += ["168.63.129.16", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"]
REFUSED += ["64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:4136:e378::1"]
REFUSED += ["2001:db8::1", "2001:10::1", "2001:20::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "5f00::1"]
REFUSED += ["fc00::1", "fd00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%eth0", "febf::1"]
REFUSED += ["fec0::1", "ff02::1", "ff0e::1", "2606:4700::1%1"]

NONSENSE = ["", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "01.1.1.1", "1.1.1.1 ", "1.1.1.1."]
NONSENSE += ["１.1.1.1", "[::1]", "1.1.1.1/32", "1.1.1", "::g", "8.8.8.8\n", "8.8.8.8%1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_what_anybody_can_reach_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_special_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", NONSENSE)
def test_what_is_no_address_in_its_usual_form_is_neither_public_nor_allowed(address: str) -> None:
    assert not permitted(address, networks(["0.0.0.0/0", "::/0"]))


@given(st.ip_addresses())
def test_nothing_is_public_that_the_standard_library_calls_private(address: IPv4Address | IPv6Address) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_no_way_to_write_an_ipv4_address_into_an_ipv6_one_is_public(number: int) -> None:
    for prefix in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "fe80::"):
        assert not is_public(str(IPv6Address(int(IPv6Address(prefix)) + number)))
    assert not is_public(str(IPv6Address(int(IPv6Address("2002::")) + (number << 80))))


def test_an_allowed_network_is_reached_and_its_neighbour_is_not() -> None:
    allowed = networks(["10.1.0.0/16", "fd12::/16"])
    assert permitted("10.1.255.255", allowed)
    assert permitted("fd12::1", allowed)
    assert permitted("8.8.8.8", allowed)
    for other in ("10.2.0.0", "127.0.0.1", "fd13::1", "::ffff:10.1.0.1", "fd12::1%eth0"):
        assert not permitted(other, allowed)


@pytest.mark.parametrize("address", ["169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"])
def test_a_clouds_metadata_is_never_reached(address: str) -> None:
    assert not permitted(address, networks(["0.0.0.0/0", "::/0"]))


@pytest.mark.parametrize("text", ["10.0.0.1/8", "ten", "10.0.0.0/33"])
def test_a_network_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"10\.0|ten"):
        networks([text])
