"""Give declared properties other values in the manifests, and change nothing else in the files.

Pure: the content of files in, the content of those that change out.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from reconcile.errors import ManifestError, Problem, UsageError
from reconcile.manifests import load_texts
from reconcile.manifests.documents import read_document
from reconcile.manifests.files import ManifestFile
from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.rename import path_of, without_places
from reconcile.manifests.yaml_edit import Edit, edit_values
from reconcile.manifests.yaml_nodes import Node, read
from reconcile.model.address import Address
from reconcile.model.records import Desired, Unit
from reconcile.model.values import show

NewValues = Mapping[Address, Mapping[str, str]]
"""Values to declare, as text: by folded address and property."""

_NOT_WRITTEN = "nothing was written"
_FIELD = "properties"


def with_values(
    files: Mapping[str, ManifestFile],
    units: Sequence[Unit],
    values: NewValues,
    *,
    by_id: Collection[str] = (),
) -> dict[str, bytes]:
    """Return the new content of the files that change.

    ``files`` are all manifests of a project by name, in the order of ``load_texts`` and without
    problems, and ``units`` what they declare; ``by_id`` names the kinds whose keys are HubSpot ids.
    A value that a record has from defaults is written into its own document, where it wins.

    Raise ManifestError with each place that cannot be edited, and UsageError if something else
    would change in what the project declares.
    """
    edited: dict[str, bytes] = {}
    problems: list[Problem] = []
    concerned = {
        record.location.file
        for unit in units
        for record in unit.records
        if record.address.folded() in values
    }
    for name in sorted(concerned):
        data, found = _edited(files[name], values)
        problems += found
        if data is not None and data != files[name].data:
            edited[name] = data
    if problems:
        raise ManifestError(problems, title="the edit", hint=_NOT_WRITTEN)
    changed = (file._replace(data=edited.get(name, file.data)) for name, file in files.items())
    after, problems = load_texts(changed, by_id=by_id)
    if problems:
        raise ManifestError(problems, title="the edited manifests", hint=_NOT_WRITTEN)
    wanted = [_with_new(unit, values) for unit in units]
    if dict(without_places(after)) != dict(without_places(wanted)):
        raise UsageError("the edit would change other values too", hint=_NOT_WRITTEN)
    return edited


def _edited(file: ManifestFile, values: NewValues) -> tuple[bytes | None, Sequence[Problem]]:
    report = ProblemReport(file.name)
    edits = [
        edit._replace(path=(number, *edit.path))
        for number, node in enumerate(read(file.data, report))
        for edit in _of_document(node, report, values)
    ]
    data = edit_values(file.data, edits, report)
    return data, report.problems


def _of_document(root: Node, report: ProblemReport, values: NewValues) -> Iterator[Edit]:
    """Yield the edits of one document; their paths begin in it."""
    declared = read_document(root, report)  # without defaults: what is written wins over them
    for record in (declared.record, *declared.nested) if declared else ():
        new = values.get(record.address.folded(), {})
        path = path_of(root, record.location)
        after = tuple(reversed([*record.properties]))
        for name, text in new.items():
            if reference := record.lookups.get(name):
                message = f"the {reference.to} is another one in HubSpot: {name} is {show(text)}"
                hint = f"name that {reference.to} here"
                report.problems.append(Problem(*reference.location, message, hint))
                continue
            yield Edit((*path, _FIELD, name), text, after, beside="key")
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
