"""What a client asked for, and who asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from .fingerprint import Fingerprint
from .payload import Payload
from .plan import Deployment

if TYPE_CHECKING:
    from .gateway import Booked

Api = Literal["chat", "completions", "embeddings", "responses", "messages"]
"""Which endpoint a call came through. Every one of them takes the same path."""

_MOST: Final = 2**53
"""Billionths of a US dollar, some nine millions: what a row of the ledger can have."""

NOTES: Final = ("ledger", "wanted")
"""Keys of a call's ``state`` under which it notes down what plugins say by `Call.record` and `Call.keep_while`."""

Role = Literal["admin", "member", "viewer"]
"""What a key may do within its organization: everything, make calls and read, or read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling. ``key`` is the key's public id, never the secret; ``address`` the client's IP address.

    ``models`` are the names and ``*`` patterns of models the key may use, None for all of the gateway's. ``admin`` is a
    gateway-admin key: another kind of key, which belongs to no organization (``organization`` is then the one it acts
    for, or empty).
    """

    organization: str
    key: str = ""
    user: str | None = None
    address: str = ""
    role: Role = "member"
    models: tuple[str, ...] | None = None
    admin: bool = False


class Headers(Mapping[str, str]):
    """Request headers by lower-case name, decoded when asked for. Credentials are not in it.

    Of a header that came several times the first is returned.
    """

    __slots__ = ("_raw",)
    HIDDEN = frozenset(
        {b"authorization", b"x-api-key", b"api-key", b"cookie", b"proxy-authorization", b"x-goog-api-key"}
    )

    def __init__(self, raw: list[tuple[bytes, bytes]] | Mapping[str, str] | None = None) -> None:
        if isinstance(raw, Mapping):
            raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in raw.items()]
        self._raw = raw or []

    def __getitem__(self, name: str) -> str:
        wanted = name.lower().encode("latin-1", "replace")
        if wanted not in self.HIDDEN:
            for key, value in self._raw:
                if key == wanted:
                    return value.decode("latin-1")
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key.decode("latin-1") for key, _ in self._raw if key not in self.HIDDEN))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request on its way down the pipeline. A plugin that wants it otherwise returns a changed copy.

    ``id`` is also the answer's ``x-request-id``. ``payload`` is the request body: forwarded byte for byte unless a
    plugin replaced it. ``tags`` are those under which the ledger books it. Under ``dry_run`` a plugin may decide but
    must not change any state, and no provider is called. ``state`` is the one mutable thing: a scratch dict for this
    call, keyed by the plugin's name. ``recorded`` is there in a replay only, where the body's words are made up: what
    the ledger has of the call that is played again.
    """

    id: str
    api: Api
    caller: Caller
    payload: Payload
    headers: Mapping[str, str] = field(default_factory=Headers)
    tags: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    state: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    recorded: Booked | None = field(default=None, compare=False, repr=False)

    def record(
        self,
        *,
        complexity: str | None = None,
        cache_key: str | None = None,
        saved_nano_usd: int | None = None,
        baseline: Deployment | None = None,
        fingerprint: Fingerprint | None = None,
        reason: str | None = None,
    ) -> None:
        """Note down for this call's row in the ledger what only a plugin knows; what is None stays as it was.

        ``complexity`` is a router's class, ``cache_key`` the digest under which an answer is kept, ``saved_nano_usd``
        what the call would have cost more without the plugin, in billionths of a dollar (added to what others saved).
        ``baseline`` is the deployment that a router's choice is held against: what the same tokens would have
        cost more there is added to what was saved, once they are known; less, if they would have cost less.
        ``fingerprint`` tells what the prompt has in common with others. ``reason`` is said in the row's ``route``,
        behind those of routers: a word or a few, without semicolons, of how the answer came about.
        Raises ``TypeError`` for what is no text or whole number, ``ValueError`` beyond 2**53; nothing is noted then.
        """
        for name, text in (("complexity", complexity), ("cache_key", cache_key), ("reason", reason)):
            if text is not None and not isinstance(text, str):
                raise TypeError(f"{name} is a text, not {type(text).__name__}")
        if saved_nano_usd is not None:
            _check_saved(saved_nano_usd)
        if baseline is not None and not isinstance(baseline, Deployment):
            raise TypeError(f"baseline is a Deployment, not {type(baseline).__name__}")
        if fingerprint is not None and not isinstance(fingerprint, Fingerprint):
            raise TypeError(f"fingerprint is a Fingerprint, not {type(fingerprint).__name__}")
        row = self.state.get("ledger")
        if not isinstance(row, dict):
            row = self.state["ledger"] = {}
        if complexity is not None:
            row["complexity"] = complexity
        if cache_key is not None:
            row["cache_key"] = cache_key
        if saved_nano_usd is not None:
            row["saved_nano_usd"] = row.get("saved_nano_usd", 0) + saved_nano_usd
        if baseline is not None:
            row["baseline"] = baseline
        if fingerprint is not None:
            row["fingerprint"] = fingerprint
        if reason is not None:
            row["reasons"] = (*row.get("reasons", ()), reason)

    def keep_while(self, wanted: Callable[[], bool]) -> None:
        """Others wait for this call's answer: while ``wanted()`` is true it goes on although its client has left.

        Asked when the client leaves and several times a second from then on; it must not block.
        """
        self.state.setdefault("wanted", []).append(wanted)

    def is_wanted(self) -> bool:
        """Whether somebody said so who still does. See `keep_while`."""
        return any(wanted() for wanted in self.state.get("wanted", ()))

    @property
    def body(self) -> Mapping[str, Any]:
        """The request body, parsed on first use, read-only all the way down."""
        body: Mapping[str, Any] = self.payload.value
        return body

    @property
    def model(self) -> str:
        """The model the body names, as of now (an earlier plugin may have changed it)."""
        return str(self.payload.peek().get("model", ""))

    @property
    def stream(self) -> bool:
        """Whether the answer is to come as server-sent events."""
        return self.payload.peek().get("stream") is True

    def with_body(self, body: Mapping[str, Any]) -> Call:
        """This call with another body."""
        return replace(self, payload=self.payload.replace(body if isinstance(body, dict) else dict(body)))

    def set(self, **fields: Any) -> Call:
        """This call with top-level fields of its body set: ``call.set(temperature=0)``."""
        return self.with_body({**self.payload.peek(), **fields})

    def without(self, *names: str) -> Call:
        """This call with top-level fields of its body removed; names that are not there are ignored."""
        return self.with_body({key: value for key, value in self.payload.peek().items() if key not in names})


def _check_saved(nano_usd: object) -> None:
    if type(nano_usd) is not int:
        raise TypeError(f"saved_nano_usd is a whole number of billionths of a dollar, not {type(nano_usd).__name__}")
    if abs(nano_usd) > _MOST:
        raise ValueError("saved_nano_usd is beyond 2**53 billionths of a dollar, which no call costs")
