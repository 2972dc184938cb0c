"""The first content of a database, from a JSON file.

``{"properties": {"orders": [definition, …]}, "labels": {"orders/companies": [label, …]},
"objects": {"contacts": [{"id": "501", "properties": {…}, "associations": […]}, …]},
"custom_objects": {"2-1001": ["orders", …]}}``; every part is optional, and each entry is what the
API takes to create the same thing. A custom object lists what it can be associated with.
"""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconcile.sandbox import wire_format
from reconcile.sandbox.api.associations import define_label
from reconcile.sandbox.api_errors import ApiError
from reconcile.sandbox.object_types import infer_object_type
from reconcile.sandbox.rules import property_definitions, record_writes
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.rules.association_checks import link_new_record
from reconcile.sandbox.scopes import ALL_SCOPES
from reconcile.sandbox.server.seed_comparison import Present
from reconcile.sandbox.storage import pipeline_tables, property_table
from reconcile.sandbox.storage.association_tables import End, add_label
from reconcile.sandbox.storage.database_file import account_value, connect, transaction
from reconcile.sandbox.storage.file_diagnosis import explained
from reconcile.sandbox.storage.property_table import Definitions
from reconcile.sandbox.storage.record_tables import is_taken
from reconcile.sandbox.switches import Switches

_PARTS = {"objects", "properties", "labels", "custom_objects"}
_AGE_MS = 60_000


class SeedError(ValueError):
    """A seed cannot be loaded; the message names the file and the place in it."""


def filler(seed: Path | None, switches: Switches, now: int) -> Callable[[sqlite3.Connection], None]:
    """Return the function that fills a new database: with HubSpot's defaults, then with the seed.

    Everything is dated a minute ago, so that the search index has seen it.
    """
    at = now - _AGE_MS

    def fill(connection: sqlite3.Connection) -> None:
        property_table.fill_defaults(connection, at)
        pipeline_tables.fill_defaults(connection, at)
        if seed is not None:
            _Loader(seed, connection, switches, at).load()

    return fill


@dataclass(frozen=True)
class Seeded:
    """How much a seed added and how much existed already, by object type and the like."""

    added: dict[str, int]
    left: dict[str, int]


def load_seed(path: Path, seed: Path, switches: Switches | None = None) -> Seeded:
    """Add the entries of a seed that do not exist yet to the database at ``path``, or none of them.

    Existing entries are left as they are, so a seed can be loaded again; see ``seed_comparison``.
    """
    present = Present()
    with explained(path), closing(connect(path)) as connection:
        try:
            with transaction(connection, write=True):
                at = wire_format.now_ms()
                _Loader(seed, connection, switches or Switches(), at, present).load()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise SeedError(f"{path}: another process is writing to it, try again") from None
    return Seeded(dict(present.added), dict(present.left))


class _Loader:
    """Loads one file, and keeps track of the place in it for error messages."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        switches: Switches,
        at: int,
        present: Present | None = None,
    ) -> None:
        self._path = path
        self._present = present
        self._place = "the file"
        self._later: list[tuple[str, End, object]] = []
        self._call = Call(
            connection=connection,
            definitions_cache=Definitions(),
            switches=switches,
            portal_id=account_value(connection, "portal_id"),
            scopes=ALL_SCOPES,
            now=at,
        )

    def load(self) -> None:
        """Load every part, associations last, so that they may point anywhere in the file."""
        try:
            content = wire_format.decode(self._path.read_bytes())
            self._load_parts(self._mapping(content))
        except ApiError as error:
            raise self._error(error.message) from None
        except OSError as error:
            reason = error.strerror or "the file system gives no reason"
            raise SeedError(f"{self._path} cannot be read: {reason}") from None

    def _load_parts(self, content: Mapping[str, Any]) -> None:
        for unknown in sorted(content.keys() - _PARTS):
            raise self._error(f"unknown part {unknown!r}")
        self._load_custom_objects(content)
        for name, place, one in self._entries(content, "properties"):
            self._place = place
            kind = self._call.kind_of(name)
            if not (self._present and self._present.has_property(self._call, kind, one)):
                property_definitions.create(self._call, kind, one)
        for name, place, one in self._entries(content, "labels"):
            self._place = place
            kinds = [self._call.kind_of(part) for part in name.split("/", 1)]
            if len(kinds) < 2:
                raise self._error("labels are listed under two object types: orders/companies")
            if not (self._present and self._present.has_label(self._call, kinds[0], kinds[1], one)):
                define_label(self._call, kinds[0], kinds[1], one)
        for name, place, one in self._entries(content, "objects"):
            self._place = place
            self._load_object(name, one)
        for place, start, associations in self._later:
            self._place = place
            link_new_record(self._call, start, associations)

    def _load_custom_objects(self, content: Mapping[str, Any]) -> None:
        self._place = "custom_objects"
        for name, associated in self._mapping(content.get("custom_objects", {})).items():
            self._place = f"custom_objects.{name}"
            kind = infer_object_type(name)
            if kind is None or not kind.is_custom:
                raise self._error("a custom object is named by its id, such as 2-1001")
            if not isinstance(associated, list):
                raise self._error("must be a list")
            if self._call.definitions(kind.id):
                continue  # a seed can be loaded again
            property_table.define_custom_object(self._call.connection, kind.id, self._call.now)
            self._call.change_definitions()
            for other in map(self._call.kind_of, map(str, associated)):
                ends = (other.id, kind.id)
                add_label(self._call.connection, ends, f"{other.singular}_to_{name}", ("", ""))

    def _load_object(self, name: str, one: dict[str, Any]) -> None:
        kind = infer_object_type(name)
        if kind is None:
            raise self._error(f"unknown object type {name!r}")
        number = None
        if one.get("id") is not None:
            number = wire_format.record_id(str(one["id"]))
            if number is None:
                raise self._error(f"id {one['id']!r} is not a number")
        sent = record_writes.sent_properties(one)
        if self._present and self._present.has_record(self._call, kind, sent, number):
            return
        if number is not None and is_taken(self._call.connection, kind.id, number):
            raise self._error(f"id {number} is already taken")
        written = record_writes.create(self._call, kind, sent, number)
        if self._present:
            self._present.note(written.record)
        if "associations" in one:
            start = End(kind.id, written.record.id)
            self._later.append((self._place, start, one["associations"]))

    def _entries(
        self, content: Mapping[str, Any], part: str
    ) -> list[tuple[str, str, dict[str, Any]]]:
        """List the entries of a part, each with the name it is under and its place."""
        self._place = part
        found = []
        for name, entries in self._mapping(content.get(part, {})).items():
            self._place = f"{part}.{name}"
            if not isinstance(entries, list):
                raise self._error("must be a list")
            for index, one in enumerate(entries):
                self._place = f"{part}.{name}[{index}]"
                found.append((name, self._place, dict(self._mapping(one))))
        return found

    def _mapping(self, value: object) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._error("must be an object")
        return value

    def _error(self, reason: str) -> SeedError:
        one_line = " ".join(reason.split())
        return SeedError(f"{self._path}: {self._place}: {one_line}")
