"""Faults that touch the account: what other people do to it while a client is at work.

A record is named ``orders/41000000001`` or, by the value of any property, ``orders/KEY=NW-1``.
Each happens when its rule strikes, before the request is handled or ``after`` it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from reconcile.sandbox import (
    archiving,
    association_store,
    objects_api,
    property_store,
    records,
    writing,
)
from reconcile.sandbox.association_store import End
from reconcile.sandbox.calls import Call
from reconcile.sandbox.course import Course, Intervention
from reconcile.sandbox.errors import invalid
from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.records import Record
from reconcile.sandbox.wire import record_id

_FORBID = {"extra": "forbid"}


def _schedule(course: Course, number: int, *, after: bool, act: Intervention) -> None:
    (course.after if after else course.before).append((number, act))


@dataclass(frozen=True)
class Edit:
    """A person sets properties of a record; ``""`` clears one, a key among them."""

    __pydantic_config__ = _FORBID
    record: str
    properties: Mapping[str, str] = field(default_factory=dict)
    after: bool = False
    fault: Literal["edit"] = "edit"

    def strike(self, course: Course, number: int) -> None:
        """Edit the record."""

        def act(call: Call, _: str) -> None:
            kind, record = find(call, self.record)
            writing.update(call, kind, record, self.properties)

        _schedule(course, number, after=self.after, act=act)


@dataclass(frozen=True)
class Archive:
    """A person archives a record."""

    __pydantic_config__ = _FORBID
    record: str
    after: bool = False
    fault: Literal["archive"] = "archive"

    def strike(self, course: Course, number: int) -> None:
        """Archive the record."""

        def act(call: Call, _: str) -> None:
            kind, record = find(call, self.record)
            archiving.archive(call, kind, str(record.id))

        _schedule(course, number, after=self.after, act=act)


@dataclass(frozen=True)
class Merge:
    """A person merges a record and another of its type; both get a new id (ref §8)."""

    __pydantic_config__ = _FORBID
    record: str
    other: str
    after: bool = False
    fault: Literal["merge"] = "merge"

    def strike(self, course: Course, number: int) -> None:
        """Merge the records."""

        def act(call: Call, _: str) -> None:
            kind, record = find(call, self.record)
            other = find(call, self.other)[1]
            body = {"primaryObjectId": str(record.id), "objectIdToMerge": str(other.id)}
            objects_api.merge(
                replace(call, params={"type": kind.id}, raw_body=json.dumps(body).encode())
            )

        _schedule(course, number, after=self.after, act=act)


@dataclass(frozen=True)
class Unlink:
    """A person removes every association between two records."""

    __pydantic_config__ = _FORBID
    record: str
    other: str
    after: bool = False
    fault: Literal["unlink"] = "unlink"

    def strike(self, course: Course, number: int) -> None:
        """Remove the associations."""

        def act(call: Call, _: str) -> None:
            ends = []
            for name in (self.record, self.other):
                kind, record = find(call, name)
                ends.append(End(kind.id, record.id))
            association_store.remove_pair(call.connection, ends[0], ends[1])

        _schedule(course, number, after=self.after, act=act)


@dataclass(frozen=True)
class ChangeDefinition:
    """A person changes a property's definition: ``change`` is what a PATCH of it would send."""

    __pydantic_config__ = _FORBID
    object_type: str
    name: str
    change: Mapping[str, Any] = field(default_factory=dict)
    after: bool = False
    fault: Literal["change_definition"] = "change_definition"

    def strike(self, course: Course, number: int) -> None:
        """Change the definition."""

        def act(call: Call, _: str) -> None:
            property_store.update(
                call, call.kind_of(self.object_type), self.name, dict(self.change)
            )

        _schedule(course, number, after=self.after, act=act)


@dataclass(frozen=True)
class RemoveOption:
    """A person removes an option of a property; records keep the value."""

    __pydantic_config__ = _FORBID
    object_type: str
    name: str
    value: str
    after: bool = False
    fault: Literal["remove_option"] = "remove_option"

    def strike(self, course: Course, number: int) -> None:
        """Remove the option."""

        def act(call: Call, _: str) -> None:
            kind = call.kind_of(self.object_type)
            options = property_store.find(call, kind, self.name)["options"]
            kept = [option for option in options if option["value"] != self.value]
            property_store.update(call, kind, self.name, {"options": kept})

        _schedule(course, number, after=self.after, act=act)


@dataclass(frozen=True)
class ArchiveDefinition:
    """A person archives a property's definition."""

    __pydantic_config__ = _FORBID
    object_type: str
    name: str
    after: bool = False
    fault: Literal["archive_definition"] = "archive_definition"

    def strike(self, course: Course, number: int) -> None:
        """Archive the definition."""

        def act(call: Call, _: str) -> None:
            property_store.archive(call, call.kind_of(self.object_type), self.name)

        _schedule(course, number, after=self.after, act=act)


@dataclass(frozen=True)
class RevokeToken:
    """The token that made the request is revoked, for this request already unless ``after``."""

    __pydantic_config__ = _FORBID
    after: bool = False
    fault: Literal["revoke_token"] = "revoke_token"

    def strike(self, course: Course, number: int) -> None:
        """Revoke the token."""

        def act(call: Call, token: str) -> None:
            call.connection.execute("UPDATE token SET revoked = 1 WHERE token = ?", (token,))

        _schedule(course, number, after=self.after, act=act)


def find(call: Call, name: str) -> tuple[ObjectType, Record]:
    """Find a live record by its name here, or refuse."""
    type_name, _, rest = name.partition("/")
    kind = call.kind_of(type_name)
    prop, equals, value = rest.partition("=")
    number = record_id(rest)
    if equals:
        row = call.connection.execute(
            "SELECT id FROM record WHERE type = ? AND archived_at IS NULL "
            "AND properties ->> ? = ? ORDER BY id LIMIT 1",
            (kind.id, f'$."{prop}"', value),
        ).fetchone()
        number = None if row is None else row[0]
    record = None if number is None else records.find(call.connection, kind.id, number)
    if record is None:
        raise invalid(f"there is no record {name}")
    return kind, record
