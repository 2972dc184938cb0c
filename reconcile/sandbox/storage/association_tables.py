"""Associations in the database, and the types they may have (ref §11).

Both directions of a link are stored, so that every read is one index range. A change of links
between records saves, in both directions too, whether each existed until then: ``at`` is its
moment, and None for the links that a new record comes with (see ``association_reads``).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconcile.sandbox.object_types import LINE_ITEM, LINE_ITEM_PARENTS
from reconcile.sandbox.storage.association_types import BUILT_IN, USER_DEFINED, AssociationType

_FIRST_LABEL_ID = 36  # user-defined ids are small numbers of their own
_PAIR = "from_type = ?1 AND from_id = ?2 AND to_type = ?3 AND to_id = ?4"


@dataclass(frozen=True)
class End:
    """One record at one end of a link."""

    type_id: str
    id: int


@dataclass(frozen=True)
class Link:
    """What one record is linked to, and by which types."""

    to_id: int
    types: tuple[AssociationType, ...]


def types_between(
    connection: sqlite3.Connection, from_type: str, to_type: str
) -> list[AssociationType]:
    """Return the association types from one object type to another, built in first."""
    built_in = [
        kind for kind in BUILT_IN if kind.from_type == from_type and kind.to_type == to_type
    ]
    rows = connection.execute(
        "SELECT type_id, label, name, inverse_id FROM label "
        "WHERE category = ? AND from_type = ? AND to_type = ? ORDER BY type_id",
        (USER_DEFINED, from_type, to_type),
    )
    return built_in + [
        AssociationType(USER_DEFINED, type_id, from_type, to_type, label or None, name, inverse_id)
        for type_id, label, name, inverse_id in rows
    ]


def type_numbered(
    connection: sqlite3.Connection, from_type: str, category: str, number: str
) -> AssociationType | None:
    """Return the association type with a number from an object type to any other."""
    for kind in BUILT_IN:
        if (kind.from_type, kind.category, str(kind.type_id)) == (from_type, category, number):
            return kind
    row = connection.execute(
        "SELECT type_id, to_type, label, name, inverse_id FROM label "
        "WHERE category = ? AND from_type = ? AND CAST(type_id AS TEXT) = ?",
        (category, from_type, number),
    ).fetchone()
    if row is None:
        return None
    type_id, to_type, label, name, inverse_id = row
    return AssociationType(category, type_id, from_type, to_type, label or None, name, inverse_id)


def default_type(
    connection: sqlite3.Connection, from_type: str, to_type: str
) -> AssociationType | None:
    """Return the unlabelled type between two object types, if they can be associated."""
    kinds = types_between(connection, from_type, to_type)
    return next((kind for kind in kinds if kind.is_default), None)


def add_label(
    connection: sqlite3.Connection,
    ends: tuple[str, str],
    name: str,
    labels: tuple[str, str],
) -> list[AssociationType]:
    """Define a label between two object types; return both directions, the given one first.

    Without a label it is the plain link with a custom object.
    """
    from_type, to_type = ends
    last = connection.execute("SELECT coalesce(max(type_id), ?) FROM label", (_FIRST_LABEL_ID,))
    forward = int(last.fetchone()[0]) + 1
    # Between records of one type an unpaired label is its own inverse.
    backward = forward if from_type == to_type and labels[0] == labels[1] else forward + 1
    directions = {
        (forward, from_type, to_type, labels[0], backward),
        (backward, to_type, from_type, labels[1], forward),
    }
    for type_id, start, end, label, inverse in sorted(directions):
        connection.execute(
            "INSERT INTO label (category, type_id, from_type, to_type, label, name, inverse_id) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (USER_DEFINED, type_id, start, end, label, name, inverse),
        )
    both = {(from_type, to_type), (to_type, from_type)}
    return [
        kind
        for start, end in sorted(both, key=lambda pair: pair != ends)
        for kind in types_between(connection, start, end)
        if kind.category == USER_DEFINED and kind.type_id in {forward, backward}
    ]


def set_types(
    connection: sqlite3.Connection,
    start: End,
    end: End,
    kinds: Iterable[AssociationType],
    at: int | None,
) -> None:
    """Replace the types of a pair; labelled ones bring the unlabelled one (ref §11, H)."""
    wanted = {(kind.category, kind.type_id): kind for kind in kinds}
    default = default_type(connection, start.type_id, end.type_id)
    if default is not None:
        wanted[default.category, default.type_id] = default
    if at is not None:
        remove_pair(connection, start, end, at)
    add_types(connection, start, end, wanted.values(), at)


def add_types(
    connection: sqlite3.Connection,
    start: End,
    end: End,
    kinds: Iterable[AssociationType],
    at: int | None,
) -> None:
    """Add types to a pair and keep those it has."""
    rows = list(_both_directions(start, end, kinds))
    if at is not None:
        connection.executemany(
            "INSERT OR IGNORE INTO former_association "  # noqa: S608 - constant text
            "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0 WHERE NOT EXISTS (SELECT 1 FROM association "
            f"WHERE {_PAIR} AND category = ?5 AND type_id = ?6)",
            ((*row, at) for row in rows),
        )
    connection.executemany("INSERT OR IGNORE INTO association VALUES (?, ?, ?, ?, ?, ?)", rows)


def remove_pair(connection: sqlite3.Connection, start: End, end: End, at: int) -> None:
    """Remove every link between two records."""
    for one, other in ((start, end), (end, start)):
        _remove(connection, _PAIR, (one.type_id, one.id, other.type_id, other.id), at)


def forget(connection: sqlite3.Connection, end: End) -> None:
    """Remove every link of a deleted record, and their history."""
    where = (end.type_id, end.id)
    for table in ("association", "former_association"):
        connection.execute(
            f"DELETE FROM {table} WHERE (from_type, from_id, to_type, to_id) IN "  # noqa: S608
            f"(SELECT to_type, to_id, from_type, from_id FROM {table} "
            "WHERE from_type = ? AND from_id = ?)",
            where,
        )
        connection.execute(
            f"DELETE FROM {table} WHERE from_type = ? AND from_id = ?",  # noqa: S608
            where,
        )


def remove_types(
    connection: sqlite3.Connection,
    start: End,
    end: End,
    kinds: Iterable[AssociationType],
    at: int,
) -> None:
    """Remove some types of a pair; the unlabelled one takes all with it (ref §11, H)."""
    for kind in kinds:
        if kind.is_default:
            remove_pair(connection, start, end, at)
            return
        for one, other, type_id in ((start, end, kind.type_id), (end, start, kind.inverse_id)):
            pair = (one.type_id, one.id, other.type_id, other.id)
            typed = f"{_PAIR} AND category = ?5 AND type_id = ?6"
            _remove(connection, typed, (*pair, kind.category, type_id), at)


def links(
    connection: sqlite3.Connection, start: End, to_type: str, *, after: int = 0, limit: int = -1
) -> list[Link]:
    """Return the live records of a type that a record is linked to, ascending by id."""
    known = {
        (kind.category, kind.type_id): kind
        for kind in types_between(connection, start.type_id, to_type)
    }
    rows = connection.execute(
        "SELECT to_id, category, type_id FROM association WHERE from_type = ?1 AND from_id = ?2 "
        "AND to_type = ?3 AND to_id IN (SELECT DISTINCT to_id FROM association JOIN record "
        "ON record.type = to_type AND record.id = to_id AND record.archived_at IS NULL "
        "WHERE from_type = ?1 AND from_id = ?2 AND to_type = ?3 AND to_id >= ?4 "
        "ORDER BY to_id LIMIT ?5) ORDER BY to_id, type_id",
        (start.type_id, start.id, to_type, after, limit),
    )
    found: dict[int, list[AssociationType]] = {}
    for to_id, category, type_id in rows:
        kind = known.get((category, type_id))
        if kind is not None:
            found.setdefault(to_id, []).append(kind)
    return [Link(to_id, tuple(kinds)) for to_id, kinds in found.items()]


def other_parents(connection: sqlite3.Connection, one: End, other: End) -> list[tuple[End, End]]:
    """Return the line item of a pair with each parent it has beside the one in the pair."""
    line, parent = (one, other) if one.type_id == LINE_ITEM.id else (other, one)
    if line.type_id != LINE_ITEM.id or parent.type_id not in LINE_ITEM_PARENTS:
        return []
    parents = (
        End(type_id, link.to_id)
        for type_id in sorted(LINE_ITEM_PARENTS)
        for link in links(connection, line, type_id)
    )
    return [(line, found) for found in parents if found != parent]


def move(connection: sqlite3.Connection, old: End, new: End, at: int) -> None:
    """Give one record the links of another that was merged into it."""
    for this in ("from", "to"):
        connection.execute(
            "INSERT OR IGNORE INTO former_association "  # noqa: S608 - constant names
            f"SELECT *, ?, 1 FROM association WHERE {this}_type = ? AND {this}_id = ?",
            (at, old.type_id, old.id),
        )
    for this, other in (("from", "to"), ("to", "from")):
        connection.execute(
            f"UPDATE OR REPLACE association SET {this}_id = ? "  # noqa: S608 - constant names
            f"WHERE {this}_type = ? AND {this}_id = ? "
            f"AND NOT ({other}_type = ? AND {other}_id = ?)",
            (new.id, old.type_id, old.id, new.type_id, new.id),
        )
        connection.execute(
            f"DELETE FROM association WHERE {this}_type = ? AND {this}_id = ?",  # noqa: S608
            (old.type_id, old.id),
        )


def _remove(
    connection: sqlite3.Connection, where: str, values: tuple[object, ...], at: int
) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO former_association "  # noqa: S608 - constant text
        f"SELECT *, ?{len(values) + 1}, 1 FROM association WHERE {where}",
        (*values, at),
    )
    connection.execute(f"DELETE FROM association WHERE {where}", values)  # noqa: S608


def _both_directions(
    start: End, end: End, kinds: Iterable[AssociationType]
) -> Iterator[tuple[str, int, str, int, str, int]]:
    for kind in kinds:
        yield (start.type_id, start.id, end.type_id, end.id, kind.category, kind.type_id)
        yield (end.type_id, end.id, start.type_id, start.id, kind.category, kind.inverse_id)
