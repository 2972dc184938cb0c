"""The history of one record: each change, with the values before and after."""

import json
import sqlite3
from dataclasses import dataclass

from reconcile.sandbox.storage.record_tables import (
    BY_APP,
    BY_HUBSPOT,
    BY_PERSON,
    BY_WORKFLOW,
    Record,
)

_SHOWN = 50
_BY = {
    BY_APP: "a tool",
    BY_PERSON: "a person",
    BY_WORKFLOW: "a workflow",
    BY_HUBSPOT: "HubSpot's calculation",
}


@dataclass(frozen=True)
class FieldChange:
    """One property before and after; None where it had no value."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """One write to a record."""

    at: int
    by: str
    fields: list[FieldChange]
    note: str = ""
    """What else happened: archived, restored, merged."""


def changes(connection: sqlite3.Connection, record: Record) -> list[Change]:
    """Return the latest changes of a record since it was made, newest first."""
    rows = connection.execute(
        "SELECT until, source, properties, archived_at FROM former "
        "WHERE type = ? AND id = ? ORDER BY until DESC LIMIT ?",
        (record.type_id, record.id, _SHOWN),
    ).fetchall()
    found = []
    after, archived = dict(record.properties), record.archived_at is not None
    for until, by, text, archived_at in rows:
        before = {} if text is None else json.loads(text)
        was_archived = archived_at is not None
        note = "merged from others" if text is None else ""
        if archived != was_archived:
            note = "archived" if archived else "brought back"
        found.append(Change(until, _by(by), _compare(before, after), note))
        after, archived = before, was_archived
    return found


def _by(source: str) -> str:
    type_, _, which = source.partition(" ")
    return f"{_BY.get(type_, type_)} ({which})" if which else _BY.get(type_, type_)


def _compare(before: dict[str, str], after: dict[str, str]) -> list[FieldChange]:
    return [
        FieldChange(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
