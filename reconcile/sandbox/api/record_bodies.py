"""Records as the API shows them (ref §1)."""

import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.rules import association_reads, recalculation, record_versions
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.rules.record_writes import Written
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.storage.record_tables import Record
from reconcile.sandbox.wire_format import iso

_ALWAYS_IN_WRITE_ANSWERS = ("hs_object_source", "hs_object_source_label")

T = TypeVar("T")


def shown(
    call: Call,
    kind: ObjectType,
    record: Record,
    requested: Iterable[str],
    with_history: Sequence[str] = (),
) -> dict[str, Any]:
    """Return a record as a read shows it: system properties and those requested.

    A property requested with its history has a plain value too (hubspot-api-nodejs#154).

    An unset one is null; a name that is not defined is silently omitted (ref §1, H).
    """
    names = dict.fromkeys([*requested, *with_history]) or dict.fromkeys(kind.default_properties)
    definitions = call.definitions(kind.id)
    properties = _system_properties(call, kind, record)
    for name in names:
        if name in definitions and name not in properties:
            properties[name] = _read_back(call, record, name)
    body = _object(call, record, properties)
    if with_history:
        body["propertiesWithHistory"] = record_versions.history(call, kind, record, with_history)
    return body


def shown_written(call: Call, kind: ObjectType, written: Written) -> dict[str, Any]:
    """Return a record as a write shows it: properties sent and system ones, never an unsent key."""
    record = written.record
    definitions = call.definitions(kind.id)
    properties: dict[str, str | None] = {
        name: value
        for name, value in record.properties.items()
        if name in _ALWAYS_IN_WRITE_ANSWERS
        or (name in definitions and definitions[name].calculated)
        or name == "amount"
    }
    properties |= written.echo
    if "amount" in record.properties:
        properties["amount"] = record.properties["amount"]  # calculated in any case (ref §12)
    return _object(call, record, properties | _system_properties(call, kind, record))


def shown_associations(
    call: Call, kind: ObjectType, record: Record, to_types: Iterable[ObjectType]
) -> dict[str, Any]:
    """Return a record's associations, one entry for each type of each link (ref §1, H)."""
    found: dict[str, Any] = {}
    for to_type in to_types:
        links = association_reads.links(call, End(kind.id, record.id), to_type.id)
        results = [
            {"id": str(link.to_id), "type": association.name}
            for link in links
            for association in link.types
        ]
        if results:
            found[to_type.plural.replace("_", " ")] = {"results": results}
    return {"associations": found} if found else {}


def shuffled(call: Call, items: list[T], key: Callable[[T], str]) -> list[T]:
    """Return batch results in an order that the seed fixes, never the given one (ref §4)."""
    seed = call.switches.shuffle_seed

    def place(item: T) -> int:
        return zlib.crc32(f"{seed}:{key(item)}".encode())

    mixed = sorted(items, key=place)
    return mixed[::-1] if mixed == items else mixed


def _system_properties(call: Call, kind: ObjectType, record: Record) -> dict[str, str | None]:
    return {
        kind.created_property: iso(record.created_at),
        kind.modified_property: iso(recalculation.updated_at(call, record)),
        "hs_object_id": str(record.id),
    }


def _read_back(call: Call, record: Record, name: str) -> str | None:
    value = record.properties.get(name)
    if value == "" and _hides_cleared(call):
        return None
    return value


def _hides_cleared(call: Call) -> bool:
    """Return whether the answer shows null for a cleared property (ref §12; §17.7)."""
    if call.switches.cleared_reads_back == "by_endpoint":
        return "id" in call.params or call.path.endswith("/batch/read")
    return call.switches.cleared_reads_back == "null"


def _object(call: Call, record: Record, properties: dict[str, str | None]) -> dict[str, Any]:
    shown_object: dict[str, Any] = {
        "id": str(record.id),
        "properties": dict(sorted(properties.items())),
        "createdAt": iso(record.created_at),
        "updatedAt": iso(recalculation.updated_at(call, record)),
        "archived": record.archived_at is not None,
    }
    if record.archived_at is not None:
        shown_object["archivedAt"] = iso(record.archived_at)
    return shown_object
