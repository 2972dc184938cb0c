"""Units: declared records grouped, and duplicates reported."""

from collections.abc import Collection, Iterable
from functools import cached_property
from unicodedata import normalize

from reconcile.errors import Problem
from reconcile.manifests.adoptions import check_adoptions
from reconcile.manifests.documents import DeclaredDocument
from reconcile.manifests.lifecycle_rules import check_lifecycles, check_moves
from reconcile.model.address import BY_ID, Address
from reconcile.model.records import Desired, Reference, Unit
from reconcile.model.values import show


class UnitBuilder:
    """Groups declared records into units, in the order of files and documents.

    ``by_id`` names the kinds whose keys are HubSpot ids.
    """

    def __init__(self, by_id: Collection[str]) -> None:
        self._by_id = by_id
        self.problems: list[Problem] = []
        self._known: dict[Address, Desired] = {}
        self._roots: dict[Address, Desired] = {}
        self._lines: dict[Address, list[Desired]] = {}
        self._parents: dict[Address, Reference] = {}

    def add(self, declared: DeclaredDocument) -> None:
        """Add the records of one document; a later record with the same key is left out."""
        record, nested, parent = declared
        if parent:
            where = _address(parent).folded()
            self._parents.setdefault(where, parent)
            nested = (record,)
        else:
            where = record.address.folded()
            if self._is_new(record):
                self._roots[where] = record
        fresh = [line for line in nested if self._is_new(line)]
        if fresh:
            self._lines.setdefault(where, []).extend(fresh)

    def check_parents(self) -> None:
        """Report parents that are named by id here and by a key elsewhere that is the same id."""
        for parent in self._parents.values():
            if parent.by != "id" or parent.to not in self._by_id:
                continue
            by_key = Address(parent.to, parent.value)
            other = self._roots.get(by_key) or self._parents.get(by_key)
            if other is not None:
                where = f"{parent.to} {show(parent.value)}"
                message = (
                    f"the {where} is named by its id here, and by its key in {_location(other)}"
                )
                hint = f"write parent: {{{parent.to}: {{key: {parent.value}}}}} here too"
                self.problems.append(Problem(*parent.location, message, hint))

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """All units, sorted by address, as are their line items. For use after the last ``add``."""
        with_root = (
            Unit(root.address, root, self._lines_of(where)) for where, root in self._roots.items()
        )
        without_root = (
            Unit(_address(parent), None, self._lines_of(where), parent)
            for where, parent in self._parents.items()
            if where not in self._roots
        )
        return tuple(sorted((*with_root, *without_root), key=lambda unit: unit.address))

    def _lines_of(self, where: Address) -> tuple[Desired, ...]:
        return tuple(sorted(self._lines.get(where, ()), key=lambda line: line.address))

    def _is_new(self, record: Desired) -> bool:
        first = self._known.setdefault(record.address.folded(), record)
        if first is record:
            return True
        kind, key = record.address
        message = f"the {kind} {show(key)} is declared twice; first in {_location(first)}"
        hint = ""
        if first.address != record.address:
            hint = _same_key(first.address.key, key)
        self.problems.append(Problem(*record.location, message, hint))
        return False


def build_units(documents: Iterable[DeclaredDocument], by_id: Collection[str]) -> UnitBuilder:
    """Return a builder with all documents; for ``by_id`` see UnitBuilder."""
    builder = UnitBuilder(by_id)
    for declared in documents:
        builder.add(declared)
    builder.check_parents()
    builder.problems += check_lifecycles(builder.units)
    builder.problems += check_adoptions(builder.units)
    builder.problems += check_moves(builder.units, by_id)
    return builder


def _same_key(first: str, key: str) -> str:
    if normalize("NFC", first) == normalize("NFC", key):  # they look alike
        return f"{first!a} and {key!a} are one key: Unicode form is ignored"
    return f"{show(first)} is the same key: case is ignored"


def _address(parent: Reference) -> Address:
    return Address(parent.to, f"{BY_ID}{parent.value}" if parent.by == "id" else parent.value)


def _location(record: Desired | Reference) -> str:
    file, line, column = record.location
    return f"{file}:{line}:{column}" if line else file
