"""The plugin's tables, as ``migrations`` makes them. Times are milliseconds since 1970, ids are texts made here.

``organization`` is ``*`` for what belongs to the gateway as a whole.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

_IS_OPEN: Final = text("open_key IS NOT NULL")


class AlertChannel(SQLModel, table=True):
    """A channel that was made through the API. ``sealed`` is its type's settings, ``settings`` what every type has."""

    __tablename__ = "alert_channel"
    __table_args__ = (UniqueConstraint("organization", "name"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    settings: str = Field(sa_column=Column(Text, nullable=False))
    enabled: bool = Field(sa_column=Column(Boolean, nullable=False))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class AlertChannelState(SQLModel, table=True):
    """Of any channel, also one of ``plugins.yaml``: that its receiver wants no more, and when it takes the next."""

    __tablename__ = "alert_channel_state"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    channel: str = Field(sa_column=Column(Text, primary_key=True))
    gone_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    why: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    free_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class AlertRule(SQLModel, table=True):
    """A rule that was made through the API; ``definition`` is JSON."""

    __tablename__ = "alert_rule"
    __table_args__ = (UniqueConstraint("organization", "name"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    definition: str = Field(sa_column=Column(Text, nullable=False))
    enabled: bool = Field(sa_column=Column(Boolean, nullable=False))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class AlertBudget(SQLModel, table=True):
    """A budget that was made through the API; ``definition`` is JSON."""

    __tablename__ = "alert_budget"
    __table_args__ = (UniqueConstraint("organization", "name"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    definition: str = Field(sa_column=Column(Text, nullable=False))
    enabled: bool = Field(sa_column=Column(Boolean, nullable=False))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class Alert(SQLModel, table=True):
    """One time that a rule was broken. ``open_key`` is organization, rule and subject, and unique, until it is
    resolved; one that was resolved by hand keeps it until the rule is seen to hold again, or its window is over.

    ``rule`` is the rule's id; ``state`` pending, firing, acknowledged or resolved; ``told_ms`` when it was last told
    of, ``told`` how often. ``detail`` is JSON: what else a `lifecycle.standing.Standing` has.
    """

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("open_key"),
        Index("alert_organization_pending", "organization", "pending_ms"),
        Index("alert_state", "state"),
        # In the order in which they are read, and no longer than what is open, however long the history.
        Index("alert_open", "id", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    rule: str = Field(sa_column=Column(Text, nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    open_key: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    state: str = Field(sa_column=Column(Text, nullable=False))
    severity: str = Field(sa_column=Column(Text, nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    value: float | None = Field(default=None, sa_column=Column(Double, nullable=True))
    threshold: float | None = Field(default=None, sa_column=Column(Double, nullable=True))
    detail: str = Field(sa_column=Column(Text, nullable=False))
    pending_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    fired_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    acknowledged_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    acknowledged_by: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    resolved_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    told_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    told: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class AlertTick(SQLModel, table=True):
    """The last evaluation that was written, ``due_ms``, of each ``series`` of them, and the one before, ``before_ms``.

    An older one that comes late finds a later time here and writes nothing. ``again``, a JSON list, are rules that the
    next one is to look at whether it is their time or not. All are of the organization ``*``.
    """

    __tablename__ = "alert_tick"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    series: str = Field(sa_column=Column(Text, primary_key=True))
    due_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    before_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    again: str = Field(sa_column=Column(Text, nullable=False))


class AlertEvent(SQLModel, table=True):
    """What became of an alert, in order: its history."""

    __tablename__ = "alert_event"
    __table_args__ = (Index("alert_event_alert", "alert", "at_ms"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    alert: str = Field(sa_column=Column(Text, nullable=False))
    at_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    by: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    note: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    value: float | None = Field(default=None, sa_column=Column(Double, nullable=True))


class AlertSilence(SQLModel, table=True):
    """Alerts that ``matchers`` (JSON) fit are told to nobody from ``from_ms`` until ``until_ms``.

    ``operator`` says that a gateway admin has made it: without, it is not for the gateway's own channels.
    """

    __tablename__ = "alert_silence"
    __table_args__ = (Index("alert_silence_until", "until_ms"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    matchers: str = Field(sa_column=Column(Text, nullable=False))
    from_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    until_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    by: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    operator: bool = Field(sa_column=Column(Boolean, nullable=False))
    comment: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class AlertOutbox(SQLModel, table=True):
    """A message to one channel. ``id`` is the message's, also towards the receiver; ``dedup_key`` is what it is about.

    Of one ``thread`` an end is sent after what it ends. ``state`` is waiting, sent, failed (given up) or dropped.
    Whoever sends it claims it until ``claimed_ms``, under a ``claim`` of his own: only he writes down how it went.
    """

    __tablename__ = "alert_outbox"
    __table_args__ = (
        UniqueConstraint("dedup_key"),
        Index("alert_outbox_state_due", "state", "due_ms"),
        Index("alert_outbox_organization_created", "organization", "created_ms"),
        Index("alert_outbox_channel_id", "channel", "id"),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    dedup_key: str = Field(sa_column=Column(Text, nullable=False))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    channel: str = Field(sa_column=Column(Text, nullable=False))
    alert: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    thread: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    message: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    attempts: int = Field(sa_column=Column(BigInteger, nullable=False))
    due_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    claim: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    claimed_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    ended_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))


class AlertAttempt(SQLModel, table=True):
    """One try to send a message."""

    __tablename__ = "alert_attempt"
    __table_args__ = (Index("alert_attempt_message", "message", "at_ms"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    message: str = Field(sa_column=Column(Text, nullable=False))
    at_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    took_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    delivered: bool = Field(sa_column=Column(Boolean, nullable=False))
    status: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    detail: str = Field(sa_column=Column(Text, nullable=False))


class AlertChange(SQLModel, table=True):
    """One row, of the organization ``*``: how many transactions have changed channels, rules, budgets or silences.

    Each takes the next number first, so that they come one after the other, and workers see that they are behind.
    """

    __tablename__ = "alert_change"

    organization: str = Field(sa_column=Column(Text, primary_key=True))
    number: int = Field(sa_column=Column(BigInteger, nullable=False))


TABLES: Final = (
    AlertChannel,
    AlertChannelState,
    AlertRule,
    AlertBudget,
    Alert,
    AlertTick,
    AlertEvent,
    AlertSilence,
    AlertOutbox,
    AlertAttempt,
    AlertChange,
)
