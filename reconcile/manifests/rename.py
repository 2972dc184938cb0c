"""Rename a record in the manifests: set its key and ``moved_from``, and references to it by key.

Pure: the content of files in, the content of those that change out.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from reconcile.errors import ManifestError, Problem, UsageError
from reconcile.manifests import load_texts
from reconcile.manifests.documents import read_document
from reconcile.manifests.field_reader import name_fault
from reconcile.manifests.files import ManifestFile
from reconcile.manifests.folder_defaults import read_defaults
from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.yaml_edit import edit_values
from reconcile.manifests.yaml_nodes import Items, Node, Table, read
from reconcile.manifests.yaml_slots import Edit, Path
from reconcile.model.address import BY_ID, Address, fold
from reconcile.model.kinds import kinds
from reconcile.model.records import Desired, Lifecycle, Location, Reference, Unit
from reconcile.model.values import nearest, show

_NOT_WRITTEN = "nothing was written"


def rename(
    files: Mapping[str, ManifestFile],
    units: Sequence[Unit],
    old: Address,
    new: Address,
    *,
    by_id: Collection[str] = (),
) -> dict[str, bytes]:
    """Return the new content of the files that change, first the one that declares the record.

    ``files`` are all manifests of a project by name, in the order of ``load_texts`` and without
    problems, and ``units`` what they declare; ``by_id`` names the kinds whose keys are HubSpot ids.
    The project stays the same but for this record's key. Raise UsageError if the record cannot be
    renamed so, and ManifestError with each place that cannot be edited.
    """
    record = _record(units, old, new, by_id)
    edited: dict[str, bytes] = {}
    problems: list[Problem] = []
    for name, edits in _edits(files, record, new.key).items():
        report = ProblemReport(name)
        data = edit_values(files[name].data, edits, report)
        problems += report.problems
        if data is not None:
            edited[name] = data
    if problems:
        raise ManifestError(problems, title="the edit", hint=_NOT_WRITTEN)
    changed = (file._replace(data=edited.get(name, file.data)) for name, file in files.items())
    after, problems = load_texts(changed, by_id=by_id)
    if problems:
        raise ManifestError(problems, title="the edited manifests", hint=_NOT_WRITTEN)
    if dict(without_places(after)) != dict(without_places(units, record.address, new)):
        raise UsageError("the edit would change other records too", hint=_NOT_WRITTEN)
    return edited


def _record(units: Sequence[Unit], old: Address, new: Address, by_id: Collection[str]) -> Desired:
    """Return the record to rename. Raise UsageError if it cannot be."""
    records = {one.address.folded(): one for unit in units for one in unit.records}
    record = records.get(old.folded())
    if record is None:
        known = [str(one.address) for one in records.values()]
        raise UsageError(f"no manifest declares {show(str(old))}{nearest(str(old), known)}")
    where = ":".join(map(str, record.location))
    if old.kind != new.kind:
        message = f"{show(str(new))} is not an address of the same kind as {show(str(old))}"
        raise UsageError(message, hint=f"write {old.kind}/KEY")
    if old.kind in by_id:
        message = f"keys of {kinds()[old.kind].plural} are HubSpot ids here, and ids do not change"
        raise UsageError(message)
    if fault := _key_fault(new.key):
        raise UsageError(f"the new key {fault}")
    if fold(old.key) == fold(new.key):
        raise UsageError(
            f"{show(old.key)} and {show(new.key)} are the same key: case and Unicode form are "
            "ignored",
            hint=f"to spell it otherwise, edit {where} by hand, without moved_from",
        )
    if other := records.get(new.folded()):
        at = ":".join(map(str, other.location))
        raise UsageError(f"{show(str(new))} is declared already, in {at}")
    if record.moved_from:
        raise UsageError(
            f"{show(str(old))} was moved from {show(record.moved_from.value)} already, in {where}",
            hint="once every target has applied that, remove its moved_from and run this again",
        )
    if record.lifecycle is not Lifecycle.PRESENT:
        raise UsageError(
            f"{show(str(old))} is declared {record.lifecycle}, in {where}",
            hint="a record that is removed or forgotten needs no new key",
        )
    return record


def _key_fault(key: str) -> str:
    if key.casefold().startswith(BY_ID):
        return f"{show(key)} begins with {BY_ID}; this prefix is reserved for HubSpot ids"
    return name_fault(key)


def _edits(files: Mapping[str, ManifestFile], record: Desired, key: str) -> dict[str, list[Edit]]:
    """Return the edits that rename a record, by file."""
    edits: dict[str, list[Edit]] = {record.location.file: []}
    for name, file in files.items():
        report = ProblemReport(name)
        in_one = _of_defaults if file.has_defaults else _of_document
        for number, node in enumerate(read(file.data, report)):
            for edit in in_one(node, report, record.address, key):
                edits.setdefault(name, []).append(edit._replace(path=(number, *edit.path)))
    return edits


def _of_defaults(root: Node, report: ProblemReport, former: Address, key: str) -> Iterator[Edit]:
    """Yield the edits of one document of defaults; their paths begin in it."""
    for declared in read_defaults(root, report):
        for reference in chain.from_iterable(declared.associations.values()):
            yield from _of_reference(root, reference, former, key)


def _of_document(root: Node, report: ProblemReport, former: Address, key: str) -> Iterator[Edit]:
    """Yield the edits of one document; their paths begin in it."""
    declared = read_document(root, report)  # without defaults: they are in other files
    if declared is None:
        return
    parent = declared.parent
    for one in (declared.record, *declared.nested):
        if one.address == former:
            path = path_of(root, one.location)
            # moved_from comes first, so that it is written in the style of the present key.
            yield Edit((*path, "moved_from"), former.key, after="key")
            yield Edit((*path, "key"), key)
        for reference in one.references:
            yield from _of_reference(root, reference, former, key)
    if parent and _points_at(parent, former):
        yield Edit((*path_of(root, parent.location), parent.to, "key"), key)


def _of_reference(root: Node, reference: Reference, former: Address, key: str) -> Iterator[Edit]:
    if _points_at(reference, former):
        yield Edit((*path_of(root, reference.location), "key"), key)


def _points_at(reference: Reference, address: Address) -> bool:
    named = Address(reference.to, reference.value)
    return reference.by == "key" and named.folded() == address.folded()


def path_of(root: Node, location: Location) -> Path:
    """Return the names and indexes that lead to the mapping at a location."""
    return next(path for path, node in _tables(root) if (node.line, node.column) == location[1:])


def _tables(node: Node, path: Path = ()) -> Iterator[tuple[Path, Table]]:
    if isinstance(node, Table):
        yield path, node
        for name, entry in node.entries.items():
            yield from _tables(entry.value, (*path, name))
    elif isinstance(node, Items):
        for index, one in enumerate(node.nodes):
            yield from _tables(one, (*path, index))


def without_places(
    units: Sequence[Unit], old: Address | None = None, new: Address | None = None
) -> Iterator[tuple[Address, object]]:
    """Yield all that is declared of each record, without locations, as if one were renamed."""

    def renamed(address: Address) -> Address:
        same = old is not None and address.folded() == old.folded()
        return new if new is not None and same else address

    def target(reference: Reference) -> tuple[str, ...]:
        value = reference.value
        if reference.by == "key":
            value = renamed(Address(reference.to, value)).key
        return reference.to, reference.by, value, reference.label

    for unit in units:
        for one in unit.records:
            former = old if renamed(one.address) != one.address else one.former
            yield (
                renamed(one.address),
                (
                    renamed(unit.address),
                    target(unit.parent) if unit.parent else None,
                    dict(one.properties),
                    [*map(target, one.references)],
                    (one.ignore, one.protect, one.lifecycle),
                    former,
                ),
            )
