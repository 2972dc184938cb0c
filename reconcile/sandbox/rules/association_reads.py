"""Associations as a read shows them: as they are now, or as a stale read sees them (ref §13).

Every change first saves whether the association existed (see ``association_tables``). The
associations that a record is created with save nothing: before that moment the record itself did
not exist.
"""

from itertools import groupby
from operator import itemgetter

from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.rules import record_versions
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.storage import association_tables as store
from reconcile.sandbox.storage.association_tables import End, Link
from reconcile.sandbox.storage.record_tables import exists
from reconcile.sandbox.wire_format import record_id


def links_named(
    call: Call, start: ObjectType, text: str, end: ObjectType, *, after: int = 0, limit: int = -1
) -> list[Link]:
    """Return the links of the record with an id; a record that does not exist has none."""
    number = record_id(text)
    if number is None or not _is_there(call, start, number):
        return []
    return links(call, End(start.id, number), end.id, after=after, limit=limit)


def links(call: Call, start: End, to_type: str, *, after: int = 0, limit: int = -1) -> list[Link]:
    """Return the records of a type that a record is linked to, ascending by id."""
    if call.links_as_of is None:
        return store.links(call.connection, start, to_type, after=after, limit=limit)
    found = _links_at(call, start, to_type, call.links_as_of)
    shown = [link for link in found if link.to_id >= after]
    return shown if limit < 0 else shown[:limit]


def _is_there(call: Call, kind: ObjectType, number: int) -> bool:
    if call.links_as_of is None:
        return exists(call.connection, kind.id, number)
    return record_versions.seen(call.connection, kind.id, number, call.links_as_of) is not None


def _links_at(call: Call, start: End, to_type: str, at: int) -> list[Link]:
    where = (start.type_id, start.id, to_type)
    there = set(
        call.connection.execute(
            "SELECT to_id, category, type_id FROM association "
            "WHERE from_type = ? AND from_id = ? AND to_type = ?",
            where,
        )
    )
    undone = call.connection.execute(
        "SELECT to_id, category, type_id, was_there FROM former_association "
        "WHERE from_type = ? AND from_id = ? AND to_type = ? AND until > ? ORDER BY until DESC",
        (*where, at),
    )
    for *link, was_there in undone.fetchall():
        (there.add if was_there else there.discard)((link[0], link[1], link[2]))
    types = {
        (kind.category, kind.type_id): kind
        for kind in store.types_between(call.connection, start.type_id, to_type)
    }
    known = sorted(
        (to_id, number, category)
        for to_id, category, number in there
        if (category, number) in types  # not one by a label that is deleted
    )
    return [
        Link(to_id, tuple(types[category, number] for _, number, category in group))
        for to_id, group in groupby(known, key=itemgetter(0))
        if record_versions.seen(call.connection, to_type, to_id, at) is not None
    ]
