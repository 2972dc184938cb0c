"""Write a document for each record that has none yet."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconcile.hubspot.client import HubSpot
from reconcile.manifests.document_writer import NewRecord, document
from reconcile.manifests.field_reader import can_hold, name_fault
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Actual, Link
from reconcile.pulling.chosen_properties import (
    SAMPLE,
    WrittenByOthers,
    candidates,
    written_by_integrations,
)
from reconcile.pulling.declared_values import declared_values, numbers
from reconcile.pulling.keys import Keys, key_fault, line_key
from reconcile.pulling.known import Project, Wanted
from reconcile.pulling.new_files import NewFiles
from reconcile.pulling.selection import Selection


@dataclass(slots=True)
class Pulled:
    """What was written, and what was left out.

    - ``known``: how many records a document or the state knows
    - ``lines_known``: the line items that were written, or are known, under another record
    - ``unusable_keys``: the records whose key no document can have, or another one has
    - ``missing``: ids that were asked for, and that no live record has
    - ``unwritable``: how many values of each property have characters that YAML cannot hold
    - ``repeated``, ``lacking``: see ``Keys``
    """

    records: int = 0
    lines: int = 0
    known: int = 0
    left_to_integrations: list[WrittenByOthers] = field(default_factory=list)
    repeated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lacking: int = 0
    lines_known: list[str] = field(default_factory=list)
    unusable_keys: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unwritable: Counter[str] = field(default_factory=Counter)


class Puller:
    """Adds a document to ``files`` for each record that no document and no state knows.

    ``pulled`` counts what was added, also if ``run`` ended early.
    """

    def __init__(self, hubspot: HubSpot, project: Project, wanted: Wanted, files: NewFiles) -> None:
        self._hubspot, self._project, self._wanted, self._files = hubspot, project, wanted, files
        self.pulled = Pulled()
        self._keys = {kind: Keys(project.keys.get(kind, ())) for kind in kinds()}
        self._numbers = {
            kind: numbers(kinds()[kind], project.definitions)
            for kind in project.definitions.properties
        }
        self._lines_written: set[str] = set()
        (self._line_kind,) = (kinds()[name] for name in wanted.kind.children)

    def run(self, selection: Selection, advance: Callable[[int], None] = lambda _: None) -> None:
        """Add the selected records, and call ``advance`` with the number of each part.

        Raises UsageError and HubSpotError.
        """
        kind, names = self._wanted.kind, self._wanted.properties
        key = self._project.identities[kind.name].key_property
        known = self._project.definitions.properties[kind.name]
        found = (
            candidates(kind, known, key=key, manage=self._project.manage)
            if names is None
            else list(names)
        )
        by = self._project.values.get(kind.name, {})
        extra = [self._wanted.key, key, kind.created, selection.name, *by]
        read = list(dict.fromkeys([*found, *filter(None, extra)]))
        asked = dict.fromkeys(selection.ids or ())
        for there in selection.records(self._hubspot, kind, read, known=self._is_known):
            for one in there:
                asked.pop(one.id, None)
            chunk = [one for one in there if not self._project.knows(kind, one)]
            self.pulled.known += len(there) - len(chunk)
            if names is None and not self.pulled.records:
                found = self._without_integrations(chunk, found)
            self._write(chunk, found)
            advance(len(chunk))
        known_ids = self._project.known.get(kind.name, ())
        self.pulled.missing = [one for one in asked if one not in known_ids]

    def _is_known(self, record_id: str) -> bool:
        is_known = record_id in self._project.known.get(self._wanted.kind.name, ())
        self.pulled.known += is_known
        return is_known

    def _without_integrations(self, chunk: Sequence[Actual], names: list[str]) -> list[str]:
        """Return the properties that integrations do not keep writing."""
        have = {name for one in chunk[:SAMPLE] for name in names if one.properties.get(name)}
        ids = [one.id for one in chunk]
        left = written_by_integrations(self._hubspot, self._wanted.kind, ids, have)
        self.pulled.left_to_integrations = left
        without = {one.name for one in left}
        return [name for name in names if name not in without]

    def _write(self, chunk: Sequence[Actual], names: Sequence[str]) -> None:
        ids = [one.id for one in chunk]
        lines = self._lines(ids) if self._wanted.lines is not None else {}
        ends = {to: self._ends(to, ids) for to in self._wanted.ends}
        for one in self._with_keys_first(self._wanted.kind, chunk):
            own_ends = {to: found[one.id] for to, found in ends.items() if one.id in found}
            record = self._record(one, names, own_ends)
            if record is None:
                continue
            nested = list(self._nested(record.key, lines.get(one.id, ())))
            created = one.properties.get(self._wanted.kind.created) or ""
            field_ = self._line_kind.plural.replace(" ", "_")
            text = document(self._wanted.kind.name, record, nested, nest=field_)
            self._files.add(text, created)
            self.pulled.records += 1
            self.pulled.lines += len(nested)
        keys = self._keys[self._wanted.kind.name]
        self.pulled.repeated, self.pulled.lacking = keys.repeated, keys.lacking

    def _record(
        self, one: Actual, names: Sequence[str], ends: Mapping[str, Sequence[tuple[str, str]]]
    ) -> NewRecord | None:
        kind = self._wanted.kind
        wanted = one.properties.get(self._wanted.key) or "" if self._wanted.key else one.id
        return self._declared(kind, one, wanted, names, otherwise=one.id, ends=ends)

    def _nested(self, parent: str, lines: Sequence[Actual]) -> Iterator[NewRecord]:
        names = self._wanted.lines or ()
        identity = self._project.identities[self._line_kind.name]
        by = [identity.sibling_property] if identity.sibling_property else names[:1]
        for one in self._with_keys_first(self._line_kind, lines):
            if one.id in self._lines_written or self._project.knows(self._line_kind, one):
                self.pulled.lines_known.append(one.id)
                continue
            wanted = line_key(parent, one.id, one.properties, by)
            record = self._declared(
                self._line_kind, one, wanted, names, otherwise=f"{parent}:{one.id}", ends={}
            )
            if record is not None:
                self._lines_written.add(one.id)
                yield record

    def _with_keys_first(self, kind: Kind, records: Sequence[Actual]) -> list[Actual]:
        """Return the records, those that have keys first: no other one gets these keys."""
        return sorted(records, key=lambda one: not self._project.held_key(kind, one))

    def _declared(
        self,
        kind: Kind,
        one: Actual,
        wanted: str,
        names: Sequence[str],
        *,
        otherwise: str,
        ends: Mapping[str, Sequence[tuple[str, str]]],
    ) -> NewRecord | None:
        """Return a record to declare: with the key that it has, if it has one.

        Return None for a record whose key no document can have, or another one has.
        """
        identity, keys = self._project.identities[kind.name], self._keys[kind.name]
        held = self._project.held_key(kind, one)
        if held and (key_fault(held) or not keys.take(held)):
            self.pulled.unusable_keys.append(one.id)
            return None
        given = one.id if identity.key_is_id else held
        key = given or keys.choose(wanted, one.id, otherwise)
        values = declared_values(kind, self._project.definitions, names, one)
        unwritable = [name for name, value in values.items() if not can_hold(value)]
        self.pulled.unwritable.update(unwritable)
        return NewRecord(
            key,
            adopt="" if held or identity.key_is_id else one.id,
            target=self._project.target,
            properties={name: value for name, value in values.items() if name not in unwritable},
            numbers=self._numbers[kind.name],
            references=ends,
        )

    def _lines(self, ids: Sequence[str]) -> Mapping[str, list[Actual]]:
        """Return the line items of each record, by ascending id."""
        kind, line = self._wanted.kind, self._line_kind
        links = self._hubspot.associations.links(kind.object, line.name, line.object, ids)
        wanted = {one: sorted({link.id for link in links.get(one, ())}, key=int) for one in ids}
        key = self._project.identities[line.name].key_property
        names = [*(self._wanted.lines or ()), *filter(None, [key])]
        every = [line_id for found in wanted.values() for line_id in found]
        read = self._hubspot.records.read(line.object, every, names) if every else {}
        return {
            one: [read[line_id] for line_id in found if line_id in read]
            for one, found in wanted.items()
        }

    def _ends(self, to: str, ids: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        """Return how each record's associations are named: by a unique property, else by id."""
        kind = self._wanted.kind
        association = kind.associations[to]
        links: Mapping[str, frozenset[Link]] = self._hubspot.associations.links(
            kind.object, to, association.object, ids
        )
        by = association.by[0] if association.by else ""
        every = sorted({link.id for found in links.values() for link in found}, key=int)
        read = self._hubspot.records.read(association.object, every, [by]) if by and every else {}
        names = {one: actual.properties.get(by) or "" for one, actual in read.items()}
        unique = {end: (by, name) for end, name in names.items() if not name_fault(name)}
        return {
            one: [
                unique.get(end, ("id", end)) for end in sorted({link.id for link in found}, key=int)
            ]
            for one, found in links.items()
            if found
        }
