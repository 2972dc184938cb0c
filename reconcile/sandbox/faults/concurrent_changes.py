"""Faults that change the account: what other people do to it while a client is working.

A record is named ``orders/41000000001`` or, by the value of any property, ``orders/KEY=NW-1``.
Each happens when its rule strikes, before the request is handled or ``after`` it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reconcile.sandbox.api_errors import invalid
from reconcile.sandbox.faults.fault_effects import Effects
from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.rules import (
    property_definitions,
    record_merge,
    record_writes,
    recycling_bin,
)
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.storage import association_tables, record_tables
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.storage.record_tables import Record
from reconcile.sandbox.wire_format import record_id


@dataclass(frozen=True)
class _ByPeople(ABC):
    """A change that somebody else makes; ``token`` is that of the request that is struck."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, of all classes
    after: bool = field(default=False, kw_only=True)

    def strike(self, effects: Effects, number: int) -> None:
        """Schedule the change before or after the handling of the request."""
        (effects.after if self.after else effects.before).append((number, self.act))

    @abstractmethod
    def act(self, call: Call, token: str) -> None:
        """Make the change."""


@dataclass(frozen=True)
class Edit(_ByPeople):
    """A person sets properties of a record; ``""`` clears one, a key among them."""

    record: str
    properties: Mapping[str, str] = field(default_factory=dict)
    fault: Literal["edit"] = "edit"

    def act(self, call: Call, _: str) -> None:
        """Edit the record."""
        kind, record = find(call, self.record)
        record_writes.update(call, kind, record, self.properties)


@dataclass(frozen=True)
class Archive(_ByPeople):
    """A person archives a record."""

    record: str
    fault: Literal["archive"] = "archive"

    def act(self, call: Call, _: str) -> None:
        """Archive the record."""
        kind, record = find(call, self.record)
        recycling_bin.archive(call, kind, str(record.id))


@dataclass(frozen=True)
class Merge(_ByPeople):
    """A person merges a record and another of its type; both get a new id (ref §8)."""

    record: str
    other: str
    fault: Literal["merge"] = "merge"

    def act(self, call: Call, _: str) -> None:
        """Merge the records."""
        kind, record = find(call, self.record)
        other = find(call, self.other)[1]
        record_merge.merge(call, kind, str(record.id), str(other.id))


@dataclass(frozen=True)
class Unlink(_ByPeople):
    """A person removes every association between two records."""

    record: str
    other: str
    fault: Literal["unlink"] = "unlink"

    def act(self, call: Call, _: str) -> None:
        """Remove the associations."""
        found = (find(call, name) for name in (self.record, self.other))
        start, end = (End(kind.id, record.id) for kind, record in found)
        association_tables.remove_pair(call.connection, start, end, call.now)


@dataclass(frozen=True)
class ChangeDefinition(_ByPeople):
    """A person changes a property's definition: ``change`` is what a PATCH of it would send."""

    object_type: str
    name: str
    change: Mapping[str, Any] = field(default_factory=dict)
    fault: Literal["change_definition"] = "change_definition"

    def act(self, call: Call, _: str) -> None:
        """Change the definition."""
        property_definitions.update(
            call, call.kind_of(self.object_type), self.name, dict(self.change)
        )


@dataclass(frozen=True)
class RemoveOption(_ByPeople):
    """A person removes an option of a property; records keep the value."""

    object_type: str
    name: str
    value: str
    fault: Literal["remove_option"] = "remove_option"

    def act(self, call: Call, _: str) -> None:
        """Remove the option."""
        kind = call.kind_of(self.object_type)
        options = property_definitions.find(call, kind, self.name)["options"]
        kept = [option for option in options if option["value"] != self.value]
        property_definitions.update(call, kind, self.name, {"options": kept})


@dataclass(frozen=True)
class ArchiveDefinition(_ByPeople):
    """A person archives a property's definition."""

    object_type: str
    name: str
    fault: Literal["archive_definition"] = "archive_definition"

    def act(self, call: Call, _: str) -> None:
        """Archive the definition."""
        property_definitions.archive(call, call.kind_of(self.object_type), self.name)


@dataclass(frozen=True)
class RevokeToken(_ByPeople):
    """The token that made the request is revoked, for this request already unless ``after``."""

    fault: Literal["revoke_token"] = "revoke_token"

    def act(self, call: Call, token: str) -> None:
        """Revoke the token."""
        call.connection.execute("UPDATE token SET revoked = 1 WHERE token = ?", (token,))


def find(call: Call, name: str) -> tuple[ObjectType, Record]:
    """Find a live record by its name in a rule. Raise ApiError if it does not exist."""
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
    record = None if number is None else record_tables.find(call.connection, kind.id, number)
    if record is None:
        raise invalid(f"record {name} does not exist")
    return kind, record
