"""References of a record to others: associations, a line item's parent, and looked-up records."""

from collections.abc import Collection, Mapping

from reconcile.manifests import field_reader
from reconcile.manifests.budget import Budget
from reconcile.manifests.field_reader import PROPERTY
from reconcile.manifests.problems import ProblemReport, an, choices, listed
from reconcile.manifests.yaml_nodes import Entry, Node, Table
from reconcile.model.address import fold, is_record_id
from reconcile.model.kinds import Association, Kind, Lookup, kinds
from reconcile.model.records import Location, Reference
from reconcile.model.values import show

_WORDS = ("key", "id", "label")
"""What a reference may say that is not the name of a property."""


def read_associations(
    node: Node, kind: Kind, report: ProblemReport
) -> dict[str, tuple[Reference, ...]]:
    """Return the references under ``associations``, by the word for the other object."""
    associations: dict[str, tuple[Reference, ...]] = {}
    single: dict[tuple[str, str], Reference] = {}
    entries = field_reader.mapping(node, "'associations'", report) or {}
    for word, entry in entries.items():
        if fault := _fault(word, kind, report.budget):
            report.at(entry, *fault)
            continue
        association = kind.association(word)
        found: dict[tuple[str, str, str, str], Reference] = {}
        for item in field_reader.items(entry.value, f"'{word}'", report):
            reference = _reference(item, association, report, labelled=not association.is_custom)
            if reference is None:
                continue
            label = fold(reference.label)
            same = (reference.to, reference.by, fold(reference.value), label)
            first = found.setdefault(same, reference)
            if first is not reference:
                report.at(item, f"the same {word} is listed twice; {_first_in(first)}")
            elif label in association.once:
                first = single.setdefault((word, label), reference)
                if first is not reference:
                    message = f"this is the second {label} {word}; {_first_in(first)}"
                    hint = (
                        f"{an(kind.name)} has one {label} {word}: remove the label from the others"
                    )
                    report.at(item, message, hint)
        associations[word] = tuple(found.values())
    return associations


def _first_in(reference: Reference) -> str:
    _, line, column = reference.location
    return f"first in line {line}, column {column}"


def read_parent(
    document: Node, field: Entry | None, kind: Kind, report: ProblemReport
) -> Reference | None:
    """Return the parent of the document's record, or None if it is missing or malformed."""
    hint = f"write it as in parent: {{{kind.parents[0]}: {{key: NW-10248}}}}"
    if field is None:
        report.at(document, f"this {kind.name} has no 'parent'", hint)
        return None
    node = field.value
    entries = field_reader.table(node, "'parent'", report, fields=kind.parents, hint=hint)
    chosen = [word for word in entries or () if word in kind.parents]
    if not entries or len(chosen) != 1:
        if entries is not None and len(entries) == len(chosen):
            report.at(node, f"'parent' needs exactly one of {listed(kind.parents)}", hint)
        return None
    word = chosen[0]
    inner = field_reader.table(
        entries[word].value, f"the parent {word}", report, fields=("key", "id"), hint=hint
    )
    if inner is None:
        return None
    location = Location(report.file, node.line, node.column)
    return _by_one_of(("key", "id"), word, inner, location, report)


def _fault(word: str, kind: Kind, budget: Budget) -> tuple[str, str] | None:
    """Return why ``kind`` cannot have an association with ``word``, and a hint; or None."""
    if not kind.may_have(word):
        possible = [known for known in kind.associations if _fault(known, kind, budget) is None]
        near = budget.nearest(word, possible)
        message = f"{an(kind.name)} has no association {show(word)}{near}"
        return message, choices("association", possible) if possible else ""
    association = kind.association(word)
    other = kinds()[association.kind] if association.kind else None
    if other and kind.name in other.parents:
        field = other.plural.replace(" ", "_")
        return f"{other.plural} are not associated, they belong to one record", f"use {field}:"
    if other and other.name in kind.parents:
        hint = f"nest it under the {other.name}, or write parent: {{{other.name}: {{key: …}}}}"
        return f"{an(kind.name)} is not associated with its {other.name}", hint
    return None


def read_lookups(
    entries: Mapping[str, Entry], kind: Kind, report: ProblemReport
) -> dict[str, Reference]:
    """Return the records that fields such as ``product`` name, by the property with their id.

    One of them is left out where ``properties`` have a value for its property too.
    """
    found: dict[str, Reference] = {}
    for word, lookup in kind.lookups.items():
        if word not in entries:
            continue
        entry = entries[word]
        if _has_property(entries.get("properties"), lookup):
            message = f"{word} gives {lookup.property}, which 'properties' have too"
            report.at(entry, message, "remove one of the two")
            continue
        reference = _reference(entry.value, lookup.to, report, labelled=False)
        if reference is not None:
            found[lookup.property] = reference
    return found


def _has_property(properties: Entry | None, lookup: Lookup) -> bool:
    node = properties.value if properties else None
    return isinstance(node, Table) and lookup.property in node.entries


def _reference(
    node: Node, association: Association, report: ProblemReport, *, labelled: bool = True
) -> Reference | None:
    """Return a reference by key, by id or by any other property; which these are is not known.

    The account's definitions say whether a property exists, and finds one record.
    """
    what = f"a reference to {an(association.to)}"
    fixed = (*(("key",) if association.kind else ()), "id", *association.by, *association.search)
    allowed = (*fixed, "label") if labelled else fixed
    entries = field_reader.mapping(node, what, report)
    if entries is None:
        return None
    ways = _ways(entries, fixed, allowed)
    if entries.keys() - {*ways, *allowed}:
        field_reader.table(node, what, report, fields=allowed)
    location = Location(report.file, node.line, node.column)
    label = ""
    if labelled and "label" in entries:
        label = field_reader.name(entries["label"].value, "the label", report) or ""
    return _by_one_of(ways, association.to, entries, location, report, label=label)


def _ways(
    entries: Mapping[str, Entry], fixed: tuple[str, ...], allowed: Collection[str]
) -> tuple[str, ...]:
    """Return how a reference may name its record: in fixed ways, or by other properties."""
    others = tuple(name for name in entries if name not in allowed)
    are_properties = all(PROPERTY.match(name) and name not in _WORDS for name in others)
    if are_properties and not entries.keys() & set(fixed):
        return (*fixed, *others)
    return fixed


def _by_one_of(
    ways: tuple[str, ...],
    to: str,
    entries: Mapping[str, Entry],
    location: Location,
    report: ProblemReport,
    *,
    label: str = "",
) -> Reference | None:
    chosen = [way for way in ways if way in entries]
    if len(chosen) != 1:
        if chosen or not entries.keys() - {"label"}:
            needed = f"exactly one of {listed(ways)}" if len(ways) > 1 else an(ways[0])
            report.at(location, f"a reference to {an(to)} needs {needed}")
        return None
    by = chosen[0]
    node = entries[by].value
    value = field_reader.name(node, f"the {to}'s {by}", report)
    if value is None:
        return None
    if by == "id" and not is_record_id(value):
        report.at(node, f"{show(value)} is not a HubSpot id; write its digits")
        return None
    return Reference(to, by, value, label, location)
