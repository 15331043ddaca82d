"""The table of notes, as the migrations make it."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class Note(SQLModel, table=True):
    __tablename__ = "note"

    id: int | None = Field(default=None, primary_key=True)
    organization: str = Field(index=True)
    text: str
    color: str = "yellow"
