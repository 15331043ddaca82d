"""Which IP addresses are the public internet's, and which an operator has allowed besides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)
from typing import Final, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

_REFUSED_V4: Final = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
"""The special-purpose and multicast blocks of IANA's registries, and the 6to4 relays."""

_PUBLIC_V6: Final = IPv6Network("2000::/3")
_REFUSED_V6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
"""Within the global unicast space: protocol assignments with Teredo, documentation, 6to4, documentation. What embeds
an IPv4 address elsewhere (mapped, compatible, NAT64) is outside that space."""

_METADATA: Final = frozenset(
    (
        *map(IPv4Address, ("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192")),
        *map(IPv6Address, ("fd00:ec2::254", "fd20:ce::254", "fd00:42::42")),
    )
)
"""Where clouds tell a machine its own credentials (AWS and most others, ECS, Azure, Alibaba, Oracle; AWS, Google and
Scaleway on IPv6)."""


def networks(written: Iterable[str]) -> tuple[Network, ...]:
    """``10.0.0.0/8`` as a network; raises `ValueError` for what is none, also for bits set behind the prefix."""
    return tuple(ip_network(one) for one in written)


def permitted(address: str, allowed: Sequence[Network] = ()) -> bool:
    """Whether an address, written as `socket` writes it, is public or in a network that is ``allowed``.

    A cloud's metadata address is not, whatever is allowed, nor one with a zone (``fe80::1%eth0``). Stricter than
    ``ipaddress.is_global``, which passes multicast, NAT64, 6to4 and 168.63.129.16.
    """
    read = _read(address)
    if read is None or read in _METADATA:
        return False
    return any(read in network for network in allowed) or _public(read)


def is_public(address: str) -> bool:
    return permitted(address)


def _read(address: str) -> IPv4Address | IPv6Address | None:
    try:
        if ":" not in address:
            return IPv4Address(address)
        read = IPv6Address(address)
    except AddressValueError:
        return None
    return read if read.scope_id is None else None


def _public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _REFUSED_V6)
