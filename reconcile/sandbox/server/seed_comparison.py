"""Which entries of a seed exist already, when it is loaded into a database in use.

An entry exists when its id does, or another record holds one of its unique values, or, where it
has neither, when a live record holds the same values. What exists is left as it is.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.rules import record_writes
from reconcile.sandbox.rules.api_call import Call, text_of
from reconcile.sandbox.storage import record_tables
from reconcile.sandbox.storage.association_tables import types_between
from reconcile.sandbox.storage.record_tables import Record

DEFINITIONS, LABELS = "property definitions", "association labels"


@dataclass
class Present:
    """Finds the entries that exist already, and counts those added and those left alone."""

    added: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    _made: set[tuple[str, int]] = field(default_factory=set)
    _alike: dict[str, Counter[str]] = field(default_factory=dict)

    def has_property(self, call: Call, kind: ObjectType, sent: Mapping[str, Any]) -> bool:
        """Return whether a property of this name is defined, however it is defined."""
        return self._count(DEFINITIONS, there=sent.get("name") in call.definitions(kind.id))

    def has_label(
        self, call: Call, start: ObjectType, end: ObjectType, sent: Mapping[str, Any]
    ) -> bool:
        """Return whether two object types have a label of this name or wording."""
        types = types_between(call.connection, start.id, end.id)
        there = any(
            sent.get("name") == kind.name or sent.get("label") == kind.label for kind in types
        )
        return self._count(LABELS, there=there)

    def has_record(
        self, call: Call, kind: ObjectType, sent: Mapping[str, Any], number: int | None
    ) -> bool:
        """Return whether an entry's record exists; two entries of one seed are never the same."""
        if number is not None:
            taken = record_tables.is_taken(call.connection, kind.id, number)
            there = (taken and (kind.id, number) not in self._made) or self._holds_key(
                call, kind, sent
            )
        elif self._keys(call, kind, sent):
            there = self._holds_key(call, kind, sent)
        else:
            there = self._has_alike(call, kind, sent)
        return self._count(kind.plural, there=there)

    def note(self, record: Record) -> None:
        """Remember a record that this load has made."""
        self._made.add((record.type_id, record.id))

    def _count(self, name: str, *, there: bool) -> bool:
        (self.left if there else self.added)[name] += 1
        return there

    def _keys(self, call: Call, kind: ObjectType, sent: Mapping[str, Any]) -> dict[str, str]:
        texts = {name: text_of(value) for name, value in sent.items() if value is not None}
        return record_writes.unique_keys(call, kind, texts)

    def _holds_key(self, call: Call, kind: ObjectType, sent: Mapping[str, Any]) -> bool:
        return any(
            not archived and (kind.id, holder) not in self._made
            for name, key in self._keys(call, kind, sent).items()
            for holder, archived in record_tables.holders(call.connection, kind.id, name, key)
        )

    def _has_alike(self, call: Call, kind: ObjectType, sent: Mapping[str, Any]) -> bool:
        """Make the record, see what it would hold, and undo that; each duplicate counts once."""
        if kind.id not in self._alike:
            self._alike[kind.id] = Counter(
                self._content(call, kind, json.loads(text))
                for (text,) in call.connection.execute(
                    "SELECT properties FROM record WHERE type = ? AND archived_at IS NULL",
                    (kind.id,),
                )
            )
        call.connection.execute("SAVEPOINT entry")
        try:
            made = record_writes.create(call, kind, sent).record
        finally:
            call.connection.execute("ROLLBACK TO entry")
            call.connection.execute("RELEASE entry")
        content = self._content(call, kind, made.properties)
        there = self._alike[kind.id][content] > 0
        if there:
            self._alike[kind.id][content] -= 1
        return there

    def _content(self, call: Call, kind: ObjectType, properties: Mapping[str, str]) -> str:
        """Return the values that HubSpot did not compute, as comparable text."""
        definitions = call.definitions(kind.id)
        own = {
            name: value
            for name, value in properties.items()
            if value and name in definitions and not definitions[name].read_only
        }
        return json.dumps(own, sort_keys=True)
