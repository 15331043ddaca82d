"""The forms of ``services.redis`` and ``services.cache``: a word, one server or several."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv6Address
from typing import Final, Literal
from urllib.parse import unquote

RedisRole = Literal["redis", "cache"]
"""What is remembered, or may be forgotten: the names that ``services`` has for them."""

Kind = Literal["memory", "embedded", "single", "sentinel", "cluster"]

LONGEST_SOCKET: Final = 107
"""Bytes of a Unix socket's path (``sun_path`` of unix(7), without the zero at its end)."""

_KINDS: Final[Mapping[str, Kind]] = {
    "redis": "single",
    "rediss": "single",
    "unix": "single",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
_PORTS: Final[Mapping[Kind, int]] = {"single": 6379, "sentinel": 26379, "cluster": 6379}
_CERTIFICATES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_HOST: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
_ESCAPED: Final = "; special characters in a password are written with %, as in %40 for @"
_FORMS: Final = (
    "must be memory, embedded, redis://host:port/db, rediss://…, unix:///path, redis+sentinel://host,host/service or "
    "redis+cluster://host,host"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUrl:
    """``hosts`` with their ports; none of a ``path``, which is a Unix socket. ``service`` is Sentinel's name for it.

    ``certificates`` are redis-py's names and files. As text it is what may be shown: without user and passwords.
    """

    kind: Kind
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)
    db: int = 0
    service: str = ""
    tls: bool = False
    certificates: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        if self.kind in ("memory", "embedded"):
            return self.kind
        if self.path:
            return f"unix://{self.path}" + (f"?db={self.db}" if self.db else "")
        scheme = ("rediss" if self.tls else "redis") + ("" if self.kind == "single" else f"+{self.kind}")
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        behind = [part for part in (self.service, str(self.db or "")) if part]
        return "/".join([f"{scheme}://{hosts}", *behind])


def parse_redis(text: str) -> RedisUrl:
    """Raises ``ValueError`` that says what is wrong, without what stands there: any part of it may be a password's."""
    if text in ("memory", "embedded"):
        return RedisUrl(kind="memory" if text == "memory" else "embedded")
    scheme, there, rest = text.partition("://")
    kind = _KINDS.get(scheme)
    if kind is None or not there:
        raise ValueError(_FORMS)
    if not rest.isprintable() or " " in rest or "#" in rest:
        raise ValueError(f"must have no spaces, line ends or # in it{_ESCAPED}")
    rest, _, query = rest.partition("?")
    place, slash, path = rest.partition("/")
    login, _, hosts = place.rpartition("@")
    username, password = _credentials(login)
    options = _options(query, _allowed(scheme))
    if scheme == "unix":
        db = _database(options.get("db", ""))
        return RedisUrl(
            kind=kind, path=_socket(hosts, slash + unquote(path)), username=username, password=password, db=db
        )
    service, db = _service_and_db(kind, path)
    return RedisUrl(
        kind=kind,
        hosts=_hosts(kind, hosts),
        username=username,
        password=password,
        sentinel_password=options.get("sentinel_password"),
        db=db,
        service=service,
        tls=scheme.startswith("rediss"),
        certificates=tuple((name, options[name]) for name in _CERTIFICATES if name in options),
    )


def _credentials(given: str) -> tuple[str | None, str | None]:
    username, _, password = given.partition(":")
    if given and not password:
        raise ValueError("has a user without a password: it is redis://:password@host or redis://user:password@host")
    return unquote(username) or None, unquote(password) or None


def _service_and_db(kind: Kind, path: str) -> tuple[str, int]:
    words = path.removesuffix("/").split("/")
    service = ""
    if kind == "sentinel":
        service = unquote(words.pop(0))
        if not service:
            raise ValueError(
                "needs the name that the Sentinels have for the server: redis+sentinel://host,host/service"
            )
    db = _database("/".join(words))
    if kind == "cluster" and db:
        raise ValueError("must have no database: that of a cluster is 0")
    return service, db


def _database(text: str) -> int:
    if not re.fullmatch("[0-9]{0,5}", text):
        raise ValueError("must end with the number of a database, if with anything")
    return int(text or 0)


def _socket(hosts: str, path: str) -> str:
    if hosts or len(path) < 2 or path.endswith("/") or not path.isprintable():
        raise ValueError("must have three slashes and the path of a socket: unix:///run/redis/redis.sock")
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        raise ValueError(f"must name the socket by a path of at most {LONGEST_SOCKET} bytes")
    return path


def _hosts(kind: Kind, text: str) -> tuple[tuple[str, int], ...]:
    names = text.split(",")
    if kind == "single" and len(names) > 1:
        raise ValueError("must name one host; redis+sentinel:// and redis+cluster:// have several")
    return tuple(_host(name, _PORTS[kind]) for name in names)


def _host(text: str, default: int) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if found is None or not _is_address(found["six"]):
        raise ValueError(
            f"must have a host behind ://, by name or address, and :port if it is not the usual one{_ESCAPED}"
        )
    port = default if found["port"] is None else int(found["port"])
    if not 0 < port < 65_536:
        raise ValueError("must have a port from 1 to 65535")
    return found["six"] or found["name"], port


def _is_address(six: str | None) -> bool:
    try:
        return six is None or bool(IPv6Address(six))
    except AddressValueError:
        return False


def _allowed(scheme: str) -> tuple[str, ...]:
    if scheme == "unix":
        return ("db",)
    sentinel = ("sentinel_password",) if scheme.endswith("+sentinel") else ()
    return (*sentinel, *(_CERTIFICATES if scheme.startswith("rediss") else ()))


def _options(query: str, allowed: tuple[str, ...]) -> dict[str, str]:
    pairs = [part.partition("=") for part in query.split("&") if part]
    if not all(name in allowed and value for name, _, value in pairs):
        known = f"only {', '.join(allowed)}" if allowed else "nothing"
        raise ValueError(f"must have {known} behind a ?{_ESCAPED}")
    options = {name: unquote(value) for name, _, value in pairs}
    if not all(options[name].startswith("/") for name in _CERTIFICATES if name in options):
        raise ValueError("must name the files of certificates by absolute paths")
    return options
