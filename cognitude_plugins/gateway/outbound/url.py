"""A URL that came out of an API, in one spelling that every parser reads alike, or the rule that it breaks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from .addresses import Network, permitted

_LONGEST: Final = 2048
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/\[\]-]+")
_QUERY: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]+")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_LOWEST_PORT: Final = 1024
"""Below it are mail, DNS, file sharing: no model is served there but on the two ports of HTTP."""


def checked(url: str, *, allow: Sequence[Network] = (), allow_http: bool = False) -> str:
    """The URL without a slash at its end, host in lower case, no default port. Raises `ValueError` with the rule.

    No name is resolved here: where it leads is checked when a connection is made (`Guard.connector`).
    """
    if "?" in url or "#" in url:
        raise ValueError("must not have a query or a fragment")
    return _checked(url, allow, allow_http).rstrip("/")


def checked_whole(url: str, *, allow: Sequence[Network] = (), allow_http: bool = False) -> str:
    """The same of a URL that is called as it is: it may have a query, and a slash at its end stays."""
    if "#" in url:
        raise ValueError("must not have a fragment")
    base, mark, query = url.partition("?")
    if len(url) > _LONGEST:
        raise ValueError(f"has {len(url)} characters, and {_LONGEST} are the most")
    if query and (not _QUERY.fullmatch(query) or _BROKEN_ESCAPE.search(query)):
        raise ValueError("must have a query of printable ASCII, what is none as %-escapes")
    return f"{_checked(base, allow, allow_http)}{mark}{query}"


def _checked(url: str, allow: Sequence[Network], allow_http: bool) -> str:
    if len(url) > _LONGEST:
        raise ValueError(f"has {len(url)} characters, and {_LONGEST} are the most")
    if not _CHARACTERS.fullmatch(url):
        raise ValueError(
            "must be printable ASCII without spaces, quotes and backslashes; an international name as xn--…"
        )
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in (("https", "http") if allow_http else ("https",)):
        raise ValueError("must begin with https://" + (" or http://" if allow_http else ""))
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        raise ValueError("must not hold a user name or password")
    host, port = _host_and_port(authority.lower(), scheme)
    _check_host(host, allow)
    _check_path(path)
    made = f"{scheme}://{host}{'' if port == _DEFAULT_PORTS[scheme] else f':{port}'}{slash}{path}"
    _check_reading(made, host)
    return made


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    if authority.startswith("["):
        host, bracket, after = authority.partition("]")
        host += bracket
    else:
        host, colon, after = authority.partition(":")
        after = colon + after
    if not after:
        return host, _DEFAULT_PORTS[scheme]
    if not after.startswith(":") or not _PORT.fullmatch(after[1:]) or int(after[1:]) > 65535:
        raise ValueError("must have a host and, if any, a port from 1 to 65535")
    port = int(after[1:])
    if port < _LOWEST_PORT and port not in _DEFAULT_PORTS.values():
        raise ValueError(f"must have port 443 or 80, or one from {_LOWEST_PORT} up; it is {port}")
    return host, port


def check_host(host: str, *, allow: Sequence[Network] = ()) -> str:
    """A host by itself, in lower case; raises `ValueError` with the rule. An IPv6 address may have its brackets."""
    host = host.lower()
    _check_host(f"[{host}]" if ":" in host and not host.startswith("[") else host, allow)
    return host.strip("[]")


def _check_host(host: str, allow: Sequence[Network]) -> None:
    if host.startswith("["):
        inner = host[1:].removesuffix("]")
        _check_address(inner if ":" in inner and host.endswith("]") else "", allow)
        return
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("must have a host of letters, digits, hyphens and single dots, without a dot at its end")
    if _NUMBER.fullmatch(labels[-1]):
        _check_address(host, allow)
    elif not allow and (len(labels) == 1 or labels[-1] == "localhost"):
        raise ValueError(
            "must have a host of the public internet: a name without a dot is of the gateway's own network"
        )


def _check_address(host: str, allow: Sequence[Network]) -> None:
    """The resolver of the system would also take 127.1, 2130706433, 0x7f.1 and 0177.0.0.1."""
    if not permitted(host, allow):
        raise ValueError("must have a host name, or an address of the public internet in its usual form")


def _check_path(path: str) -> None:
    if any(part.lower().replace("%2e", ".") in (".", "..") for part in path.split("/")):
        raise ValueError("must not have . or .. in its path")
    if _BROKEN_ESCAPE.search(path) or re.search(r"[\[\]]", path):
        raise ValueError("must have a path of plain characters and %-escapes")


def _check_reading(made: str, host: str) -> None:
    """One that another parser reads otherwise is nobody's honest address."""
    if urlsplit(made).hostname != host.strip("[]"):
        raise ValueError("must be a URL that can be read in one way only")
