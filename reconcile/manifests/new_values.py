"""Give declared properties other values in the manifests, and change nothing else in the files.

Pure: the content of files in, the content of those that change out.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from reconcile.errors import ManifestError, Problem, UsageError
from reconcile.manifests import load_texts
from reconcile.manifests.documents import read_document
from reconcile.manifests.files import ManifestFile
from reconcile.manifests.impossible_values import check_values
from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.rename import path_of, without_places
from reconcile.manifests.yaml_edit import IMPOSSIBLE, edit_each
from reconcile.manifests.yaml_nodes import Node, read
from reconcile.manifests.yaml_slots import Edit
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.records import Desired, Unit
from reconcile.model.values import show

NewValues = Mapping[Address, Mapping[str, str]]
"""Values to declare, as text: by folded address and property."""

Faults = Callable[[Unit], Iterable[Problem]]
"""What a target does not allow a unit to declare."""

_NOT_WRITTEN = "nothing was written"
_FIELD = "properties"


def no_faults(_: Unit) -> Iterable[Problem]:
    """Return nothing: a target that allows everything."""
    return ()


class Edited(NamedTuple):
    """The new content of the files that change, and the records left out with what prevents it."""

    files: Mapping[str, bytes]
    left_out: Mapping[Address, Sequence[Problem]]

    @property
    def problems(self) -> Sequence[Problem]:
        """What prevents all that is left out."""
        return sorted({problem for found in self.left_out.values() for problem in found})


def with_values(
    files: Mapping[str, ManifestFile],
    units: Sequence[Unit],
    values: NewValues,
    *,
    by_id: Collection[str] = (),
    faults: Faults = no_faults,
) -> Edited:
    """Return the new content of the files that change, and which records are left out.

    ``files`` are all manifests of a project by name, in the order of ``load_texts`` and without
    problems, and ``units`` what they declare; ``by_id`` names the kinds whose keys are HubSpot ids.
    ``faults`` returns what a target does not allow a unit to declare. Problems have their places
    in the files as they will be.
    A value that a record has from defaults is written into its own document, where it wins. A
    record with a value that cannot be written is left out as a whole.

    Raise ManifestError or UsageError if something else would change in what the project declares.
    """
    left_out: dict[Address, Sequence[Problem]] = {}
    while True:
        going = {address: new for address, new in values.items() if address not in left_out}
        edited, refused = _tried(files, units, going, faults)
        if not refused:
            break
        left_out |= refused
    changed = {
        name: file._replace(data=edited.get(name, file.data)) for name, file in files.items()
    }
    after, problems = load_texts(changed.values(), by_id=by_id)
    if problems:
        raise ManifestError(problems, title="the edited manifests", hint=_NOT_WRITTEN)
    wanted = [_with_new(unit, going) for unit in units]
    if dict(without_places(after)) != dict(without_places(wanted)):
        raise UsageError("the edit would change other values too", hint=_NOT_WRITTEN)
    if left_out and edited:  # lines may have moved
        _, now = _tried(changed, after, {one: values[one] for one in left_out}, faults)
        left_out |= now
    return Edited(edited, left_out)


def _tried(
    files: Mapping[str, ManifestFile], units: Sequence[Unit], values: NewValues, faults: Faults
) -> tuple[Mapping[str, bytes], Mapping[Address, Sequence[Problem]]]:
    """Return the files that change, and the records whose values cannot all be written, and why."""
    concerned = [unit for unit in units if any(map(values.__contains__, _addresses(unit)))]
    edited, refused = _edited_files(files, concerned, values)
    return edited, {**_faulty(concerned, values, faults), **refused}


def _addresses(unit: Unit) -> Iterator[Address]:
    return (record.address.folded() for record in unit.records)


def _faulty(
    units: Sequence[Unit], values: NewValues, faults: Faults
) -> Mapping[Address, Sequence[Problem]]:
    """Return the records that would not be valid with their values, and why.

    Line items may be told apart by values: of several that would be the same the first is valid.
    """
    found: dict[Address, Sequence[Problem]] = {}
    for unit in units:
        mine = {one: values[one] for one in _addresses(unit) if one in values}
        valid: dict[Address, Mapping[str, str]] = {}
        for address in mine if _faults_with(unit, mine, faults) else ():
            with_it = {**valid, address: mine[address]}
            if problems := _faults_with(_with_last(unit, address), with_it, faults):
                found[address] = problems
            else:
                valid = with_it
    return found


def _with_last(unit: Unit, address: Address) -> Unit:
    """Return a unit with a line item after the others, so that it is the one like another."""
    lines = sorted(unit.lines, key=lambda line: line.address.folded() == address)
    return replace(unit, lines=tuple(lines))


def _faults_with(unit: Unit, values: NewValues, faults: Faults) -> Sequence[Problem]:
    """Return what would be wrong with a unit with these values, at the places of present ones."""
    found = list(faults(_with_new(unit, values)))
    for record in unit.records:
        for name, text in values.get(record.address.folded(), {}).items():
            file, line, column = record.location_of(name)
            report = ProblemReport(file)
            kind = kinds()[record.address.kind]
            check_values({name: text}, {name: (line, column)}, kind, report)
            found += report.problems
    return [replace(one, hint=one.hint or IMPOSSIBLE) for one in found]


def _edited_files(
    files: Mapping[str, ManifestFile], units: Sequence[Unit], values: NewValues
) -> tuple[Mapping[str, bytes], Mapping[Address, Sequence[Problem]]]:
    """Return the files that change, and the records of which not every value can be edited."""
    edited: dict[str, bytes] = {}
    refused: dict[Address, Sequence[Problem]] = {}
    for name in sorted({record.location.file for unit in units for record in unit.records}):
        data, found = _edited(files[name], values)
        refused |= found
        if data != files[name].data:
            edited[name] = data
    return edited, refused


def _edited(
    file: ManifestFile, values: NewValues
) -> tuple[bytes, Mapping[Address, Sequence[Problem]]]:
    report = ProblemReport(file.name)
    refused: dict[Address, list[Problem]] = defaultdict(list)
    edits: dict[Edit, Address] = {}
    for number, root in enumerate(read(file.data, report)):
        for address, found in _of_document(root, report, values):
            if isinstance(found, Problem):
                refused[address].append(found)
            else:
                edits[found._replace(path=(number, *found.path))] = address
    data, prevented = edit_each(file.data, [*edits], report)
    for edit, problem in prevented.items():
        refused[edits[edit]].append(problem)
    if data is None:
        return file.data, {**dict.fromkeys(edits.values(), report.problems), **refused}
    return data, refused


def _of_document(
    root: Node, report: ProblemReport, values: NewValues
) -> Iterator[tuple[Address, Edit | Problem]]:
    """Yield the edits of one document; their paths begin in it. Yield a problem for each other."""
    declared = read_document(root, report)  # without defaults: what is written wins over them
    for record in (declared.record, *declared.nested) if declared else ():
        address = record.address.folded()
        path = path_of(root, record.location)
        after = tuple(reversed([*record.properties]))
        for name, text in values.get(address, {}).items():
            if reference := record.lookups.get(name):
                message = f"the {reference.to} is another one in HubSpot: {name} is {show(text)}"
                hint = f"name that {reference.to} here"
                yield address, Problem(*reference.location, message, hint)
                continue
            yield address, Edit((*path, _FIELD, name), text, after, beside="key")
            after = after if name in record.properties else (name, *after)


def _with_new(unit: Unit, values: NewValues) -> Unit:
    def new(record: Desired) -> Desired:
        mine = values.get(record.address.folded())
        if not mine:
            return record
        lookups = {name: one for name, one in record.lookups.items() if name not in mine}
        return replace(record, properties={**record.properties, **mine}, lookups=lookups)

    return replace(
        unit,
        root=new(unit.root) if unit.root else None,
        lines=tuple(map(new, unit.lines)),
    )
