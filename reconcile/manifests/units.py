"""Declared records → units: what belongs together, and what is declared twice."""

from collections.abc import Iterable

from reconcile.errors import Problem
from reconcile.manifests.documents import BY_ID, Declared
from reconcile.manifests.problems import show
from reconcile.model.address import Address, fold
from reconcile.model.records import Desired, Reference, Unit

_Folded = tuple[str, str]


class Assembly:
    """Collects declared records, in the order of files and documents."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._known: dict[_Folded, Desired] = {}
        self._roots: dict[_Folded, Desired] = {}
        self._lines: dict[_Folded, list[Desired]] = {}
        self._parents: dict[_Folded, Reference] = {}

    def add(self, declared: Declared) -> None:
        """Take what one document declares; later records of the same key are left out."""
        record, nested, parent = declared
        if parent:
            where = _parent_key(parent)
            self._parents.setdefault(where, parent)
            nested = (record,)
        else:
            where = _folded(record.address)
            if self._is_new(record):
                self._roots[where] = record
        fresh = [line for line in nested if self._is_new(line)]
        if fresh:
            self._lines.setdefault(where, []).extend(fresh)

    def units(self) -> tuple[Unit, ...]:
        """All units, sorted by address, and their line items too."""
        wholes = (
            Unit(root.address, root, self._lines_of(where)) for where, root in self._roots.items()
        )
        others = (
            Unit(_address(parent), None, self._lines_of(where), parent)
            for where, parent in self._parents.items()
            if where not in self._roots
        )
        return tuple(sorted((*wholes, *others), key=lambda unit: unit.address))

    def _lines_of(self, where: _Folded) -> tuple[Desired, ...]:
        return tuple(sorted(self._lines.get(where, ()), key=lambda line: line.address))

    def _is_new(self, record: Desired) -> bool:
        first = self._known.setdefault(_folded(record.address), record)
        if first is record:
            return True
        kind, key = record.address
        message = f"the {kind} {show(key)} is declared twice; first in {_place(first)}"
        hint = ""
        if first.address != record.address:
            hint = f"{show(first.address.key)} is the same key: case does not count"
        self.problems.append(Problem(*record.place, message, hint))
        return False


def assemble(documents: Iterable[Declared]) -> Assembly:
    """All documents put together."""
    assembly = Assembly()
    for declared in documents:
        assembly.add(declared)
    return assembly


def _folded(address: Address) -> _Folded:
    return address.kind, fold(address.key)


def _address(parent: Reference) -> Address:
    return Address(parent.to, f"{BY_ID}{parent.value}" if parent.by == "id" else parent.value)


def _parent_key(parent: Reference) -> _Folded:
    return _folded(_address(parent))


def _place(record: Desired) -> str:
    file, line, column = record.place
    return f"{file}:{line}:{column}"
