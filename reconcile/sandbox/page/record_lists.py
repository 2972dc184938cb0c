"""Lists of records: counting, paging and filtering, by the index ``record_recent``.

It holds all that a list shows, so that no list, count or search reads the records themselves."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from reconcile.sandbox.object_types import (
    CART,
    COMPANY,
    DEAL,
    LINE_ITEM,
    OBJECT_TYPES,
    ORDER,
    PRODUCT,
    ObjectType,
)
from reconcile.sandbox.rules.record_writes import is_key
from reconcile.sandbox.runtime import Runtime
from reconcile.sandbox.storage.pipeline_tables import pipelines
from reconcile.sandbox.wire_format import record_id

PAGE = 50
MAX_FILTER = 200
KEYS_LOOKED_AT = 5_000
"""A prefix that more keys share is too short to search for; the page says so."""

DETAILS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    ORDER.id: (
        ("Total", ("hs_total_price", "hs_currency_code")),
        ("Stage", ("hs_pipeline_stage",)),
    ),
    CART.id: (("Total", ("hs_total_price", "hs_currency_code")),),
    LINE_ITEM.id: (("Quantity", ("quantity",)), ("Price", ("price",)), ("Amount", ("amount",))),
    PRODUCT.id: (("SKU", ("hs_sku",)), ("Price", ("price",))),
    DEAL.id: (("Amount", ("amount",)),),
    COMPANY.id: (("Domain", ("domain",)),),
}
"""More columns of the list of a type, each with the properties it is put together from."""

_LAST = "\U0010ffff"
_CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,15})", re.ASCII)


@dataclass(frozen=True)
class Row:
    """A record as lists show it."""

    kind: ObjectType
    id: int
    name: str
    key: str
    changed_at: int
    """When it was last written or, in a list of archived records, archived."""

    @property
    def cursor(self) -> str:
        """Return its place in a list."""
        return f"{self.changed_at}-{self.id}"


@dataclass(frozen=True)
class Page:
    """Part of a list, newest change first, and the cursors that lead on."""

    rows: list[Row]
    newer: str | None = None
    older: str | None = None
    keys_cut: bool = False


def counts(runtime: Runtime) -> dict[str, int]:
    """Count the live records of each type, by its id; once for each state of the database."""
    connection = runtime.connection
    (others,) = connection.execute("PRAGMA data_version").fetchone()
    version = (int(others), connection.total_changes)
    if version not in runtime.counts:
        runtime.counts.clear()
        runtime.counts[version] = {
            kind.id: connection.execute(
                "SELECT count(*) FROM record INDEXED BY record_recent "
                "WHERE type = ? AND archived_at IS NULL",
                (kind.id,),
            ).fetchone()[0]
            for kind in OBJECT_TYPES
        }
    return runtime.counts[version]


def recent(runtime: Runtime, limit: int) -> list[Row]:
    """Return the live records of any type that were changed last."""
    rows = [row for kind in OBJECT_TYPES for row in _Query(runtime, kind).rows(None, limit=limit)]
    return sorted(rows, key=lambda row: (row.changed_at, row.id), reverse=True)[:limit]


def page(
    runtime: Runtime,
    kind: ObjectType,
    *,
    text: str = "",
    archived: bool = False,
    after: str | None = None,
    before: str | None = None,
) -> Page:
    """Return the records whose name contains ``text``, whose key starts with it, or whose id it is.

    ``after`` and ``before`` are cursors of rows shown earlier: continue with older or newer ones.
    """
    query = _Query(runtime, kind, archived=archived)
    query.look_for(text)
    if before is not None and (place := _read(before)) is not None:
        rows = query.rows(place, limit=PAGE + 1, newer=True)
        more, rows = len(rows) > PAGE, rows[-PAGE:]
        newer = rows[0].cursor if more and rows else None
        return Page(rows, newer, rows[-1].cursor if rows else None, query.keys_cut)
    place = _read(after) if after is not None else None
    rows = query.rows(place, limit=PAGE + 1)
    older = rows[PAGE - 1].cursor if len(rows) > PAGE else None
    rows = rows[:PAGE]
    newer = rows[0].cursor if place is not None and rows else None
    return Page(rows, newer, older, query.keys_cut)


def names(runtime: Runtime, kind: ObjectType, ids: Iterable[int]) -> dict[int, Row]:
    """Return some live records by id, as lists show them."""
    found = {}
    for one in ids:
        row = runtime.connection.execute(
            "SELECT id, shown_name, updated_at FROM record "
            "WHERE type = ? AND id = ? AND archived_at IS NULL",
            (kind.id, one),
        ).fetchone()
        if row is not None:
            found[one] = row
    keys = keys_of(runtime, kind, found)
    return {
        one: Row(kind, one, row[1] or "", keys.get(one, ""), row[2]) for one, row in found.items()
    }


def key_names(runtime: Runtime, kind: ObjectType) -> list[str]:
    """Return the properties that can serve as key, the account's own before HubSpot's."""
    definitions = runtime.definitions.of(runtime.connection, kind.id).values()
    own = [one for one in definitions if is_key(one, kind)]
    return [one.name for one in sorted(own, key=lambda one: bool(one.body["hubspotDefined"]))]


def keys_of(runtime: Runtime, kind: ObjectType, ids: Iterable[int]) -> dict[int, str]:
    """Return the key of each record that has one."""
    order = {name: place for place, name in enumerate(key_names(runtime, kind))}
    found: dict[int, tuple[int, str]] = {}
    for one in ids:
        for name, value in runtime.connection.execute(
            "SELECT property, value FROM unique_value WHERE type = ? AND record_id = ?",
            (kind.id, one),
        ):
            place = order.get(name, len(order))
            if one not in found or place < found[one][0]:
                found[one] = (place, value)
    return {one: value for one, (_, value) in found.items()}


def details(runtime: Runtime, kind: ObjectType, rows: Iterable[Row]) -> dict[int, list[str]]:
    """Return further columns by record: amounts, stages, an e-mail address."""
    columns = DETAILS.get(kind.id, ())
    stages = {
        stage["id"]: stage["label"]
        for pipeline in pipelines(runtime.connection, kind.id)
        for stage in pipeline["stages"]
    }
    found = {}
    for row in rows:
        (text,) = runtime.connection.execute(
            "SELECT properties FROM record WHERE type = ? AND id = ?", (kind.id, row.id)
        ).fetchone()
        properties = json.loads(text)
        values = (
            " ".join(properties.get(name, "") for name in names).strip() for _, names in columns
        )
        found[row.id] = [stages.get(value, value) for value in values]
    return found


class _Query:
    """One list: its conditions, and reading it in both directions."""

    def __init__(self, runtime: Runtime, kind: ObjectType, *, archived: bool = False) -> None:
        self._service = runtime
        self._kind = kind
        self._time = "archived_at" if archived else "updated_at"
        self._where = ["type = ?", f"archived_at IS {'NOT ' if archived else ''}NULL"]
        self._values: list[object] = [kind.id]
        self.keys_cut = False

    def look_for(self, text: str) -> None:
        """Restrict the list to the records that match ``text``."""
        text = text.strip()[:MAX_FILTER]
        if not text:
            return
        ids = self._holders(text)
        number = record_id(text)
        if number is not None:
            ids.add(number)
        pattern = "".join(f"\\{one}" if one in "\\%_" else one for one in text)
        chosen = ", ".join(map(str, sorted(ids)))
        self._where.append(f"(shown_name LIKE ? ESCAPE '\\' OR id IN ({chosen}))")
        self._values.append(f"%{pattern}%")

    def rows(self, place: tuple[int, int] | None, *, limit: int, newer: bool = False) -> list[Row]:
        """Return the rows from a place on, or the newest; newest first in both directions."""
        where, values = list(self._where), list(self._values)
        if place is not None:
            where.append(f"({self._time}, id) {'>' if newer else '<'} (?, ?)")
            values += place
        way = "ASC" if newer else "DESC"
        found = self._service.connection.execute(
            f"SELECT id, shown_name, {self._time} FROM record "  # noqa: S608 - constants, numbers
            f"INDEXED BY record_recent WHERE {' AND '.join(where)} "
            f"ORDER BY {self._time} {way}, id {way} LIMIT ?",
            (*values, limit),
        ).fetchall()
        keys = keys_of(self._service, self._kind, (row[0] for row in found))
        rows = [
            Row(self._kind, row[0], row[1] or "", keys.get(row[0], ""), row[2]) for row in found
        ]
        return rows[::-1] if newer else rows

    def _holders(self, text: str) -> set[int]:
        """Find the records with a key that begins with ``text``."""
        found: set[int] = set()
        for name in key_names(self._service, self._kind):
            for start in {text, text.lower(), text.upper()}:
                rows = self._service.connection.execute(
                    "SELECT record_id FROM unique_value WHERE type = ? AND property = ? "
                    "AND value >= ? AND value < ? LIMIT ?",
                    (self._kind.id, name, start, start + _LAST, KEYS_LOOKED_AT + 1),
                ).fetchall()
                self.keys_cut = self.keys_cut or len(rows) > KEYS_LOOKED_AT
                found.update(row[0] for row in rows[:KEYS_LOOKED_AT])
        return found


def _read(cursor: str) -> tuple[int, int] | None:
    match = _CURSOR.fullmatch(cursor)
    return (int(match[1]), int(match[2])) if match else None
