"""``adopt``: the existing record that a document takes over, by id or by a property."""

from collections.abc import Iterable, Iterator, Mapping

from reconcile.errors import Problem
from reconcile.manifests import field_reader
from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.yaml_nodes import Entry, Node, Table
from reconcile.model.address import fold, is_record_id
from reconcile.model.kinds import kinds
from reconcile.model.records import Adoption, Desired, Lifecycle, Location, Unit
from reconcile.model.values import show

_HOW = "write {id: 123}, or one property and its value: {hs_external_order_id: NW-7}"


def read_adoptions(
    node: Node | None, lifecycle: Lifecycle, report: ProblemReport
) -> tuple[Adoption, ...]:
    """Return the record to adopt, or one for each target that is named."""
    if node is None:
        return ()
    entries = field_reader.mapping(node, "'adopt'", report, _HOW)
    if entries is None:
        return ()
    if lifecycle is Lifecycle.ABSENT:
        hint = "adopt it and apply that first, then declare it absent"
        report.at(node, "a record cannot be adopted and absent", hint)
        return ()
    by_target = {name: entry for name, entry in entries.items() if isinstance(entry.value, Table)}
    if not by_target:
        return tuple(_adoption(node, entries, "", report))
    for name, entry in entries.items():
        if name not in by_target:
            report.at(entry, f"{show(name)} stands beside names of targets", "write it below one")
    found: list[Adoption] = []
    for name, entry in by_target.items():
        fields = field_reader.mapping(entry.value, f"the target {show(name)}", report, _HOW) or {}
        found += _adoption(entry.value, fields, name, report)
    return tuple(found)


def _adoption(
    node: Node, entries: Mapping[str, Entry], target: str, report: ProblemReport
) -> Iterator[Adoption]:
    if len(entries) != 1:
        report.at(node, "'adopt' must name one record, by one property", _HOW)
        return
    ((by, entry),) = entries.items()
    value = field_reader.name(entry.value, f"the value of {show(by)}", report)
    if value is None:
        return
    location = Location(report.file, entry.value.line, entry.value.column)
    if by == "id" and not is_record_id(value):
        hint = "it is the number in the record's address in HubSpot, and in exports as Record ID"
        report.at(entry.value, f"{show(value)} is not the id of a record", hint)
    elif by != "id" and not field_reader.PROPERTY.match(by):
        report.at(entry, f"{show(by)} is not a property name", _HOW)
    else:
        yield Adoption(by, value, target, location)


def check_adoptions(units: Iterable[Unit]) -> Iterator[Problem]:
    """Yield records that two documents adopt.

    Line items of several orders may have the same value: each is found under its own.
    """
    first: dict[tuple[str, str, str, str, str], Desired] = {}
    for unit, record in ((one, record) for one in units for record in one.records):
        for one in record.adopt:
            everywhere = one.by == "id" or kinds()[record.address.kind].is_unit
            under = "" if everywhere else str(unit.address.folded())
            name = record.address.kind, under, one.target, one.by, fold(one.value)
            known = first.setdefault(name, record)
            if known is not record:
                yield _twice(known, one)


def _twice(known: Desired, adoption: Adoption) -> Problem:
    file, line, column = known.location
    kind, key = known.address
    value = f"{adoption.by} {show(adoption.value)}"
    message = (
        f"the {kind.replace('_', ' ')} {show(key)} adopts the record with {value} too, "
        f"in {file}:{line}:{column}"
    )
    return Problem(*adoption.location, message, "one record has one document: remove one")


def target_problems(
    record: Desired, targets: Iterable[str], *, key_is_id: bool
) -> Iterator[Problem]:
    """Yield adoptions that do not fit the project's targets, or how its records are found."""
    known = sorted(targets)
    for one in record.adopt:
        if key_is_id:
            message = f"the key of this {record.address.kind} is its HubSpot id: there is no other"
            yield Problem(*one.location, message, "leave adopt out")
        elif one.target and known and one.target not in known:
            message = f"there is no target {show(one.target)}"
            yield Problem(*one.location, message, f"the targets are {', '.join(known)}")
        elif not one.target and len(known) > 1:
            message = "a record has another id on every target, and this project has several"
            hint = f"name the target: adopt: {{{known[0]}: {{{one.by}: …}}}}"
            yield Problem(*one.location, message, hint)
