"""Write a document for each record that has none yet."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from reconcile.hubspot.client import HubSpot
from reconcile.manifests.document_writer import NewRecord, document
from reconcile.manifests.field_reader import can_hold
from reconcile.model.address import fold
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Actual
from reconcile.pulling.associated import associated
from reconcile.pulling.chosen_properties import (
    SAMPLE,
    WrittenByOthers,
    candidates,
    personal,
    written_by_integrations,
)
from reconcile.pulling.key_holders import KeyHolders
from reconcile.pulling.keys import Keys, Wish, line_key
from reconcile.pulling.known import Project, Wanted
from reconcile.pulling.new_files import NewFiles
from reconcile.pulling.new_records import LeftOut, NewRecords
from reconcile.pulling.selection import Selection


@dataclass(slots=True)
class Pulled:
    """What was written, and what was left out.

    - ``found``: how many records were selected, with those that a document or the state knows:
      ``known``
    - ``left_to_integrations``, ``personal``: the properties that are declared only if named
    - ``lines_known``: the line items that were written, or are known, under another record
    - ``lines_alike``: those that the property ``lines_by`` does not tell apart from others of
      their order or cart
    - ``missing``: ids that were asked for, and that no live record has
    - ``left_out``: what no document says
    - ``repeated``, ``lacking``: see ``Keys``
    """

    records: int = 0
    lines: int = 0
    found: int = 0
    known: int = 0
    left_to_integrations: list[WrittenByOthers] = field(default_factory=list)
    personal: list[str] = field(default_factory=list)
    repeated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lacking: int = 0
    lines_known: list[str] = field(default_factory=list)
    lines_alike: list[str] = field(default_factory=list)
    lines_by: str = ""
    missing: list[str] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)


class Puller:
    """Adds a document to ``files`` for each record that no document and no state knows.

    ``pulled`` counts what was added, also if ``run`` ended early.
    """

    def __init__(self, hubspot: HubSpot, project: Project, wanted: Wanted, files: NewFiles) -> None:
        self._hubspot, self._project, self._wanted, self._files = hubspot, project, wanted, files
        self.pulled = Pulled()
        (self._line_kind,) = (kinds()[name] for name in wanted.kind.children)
        self._keys, self._records = self._new_records(wanted.kind)
        _, self._new_lines = self._new_records(self._line_kind)
        identity = project.identities[self._line_kind.name]
        self._line_by = self.pulled.lines_by = identity.sibling_property
        names = (*(wanted.lines or ()), *filter(None, [self._line_by]))
        self._line_names = list(dict.fromkeys(names))
        self._lines_written: set[str] = set()

    def _new_records(self, kind: Kind) -> tuple[Keys, NewRecords]:
        identity, known = self._project.identities[kind.name], self._project.definitions.properties
        holders = KeyHolders(self._hubspot, kind, identity, known[kind.name])
        keys = Keys(self._project.taken.get(kind.name, ()), holders.ids)
        return keys, NewRecords(kind, self._project, keys, self.pulled.left_out)

    def run(self, selection: Selection, advance: Callable[[int], None] = lambda _: None) -> None:
        """Add the selected records, and call ``advance`` with the number of each part.

        Raises UsageError and HubSpotError.
        """
        kind, names = self._wanted.kind, self._wanted.properties
        key = self._project.identities[kind.name].key_property
        known = self._project.definitions.properties[kind.name]
        manage = self._project.manage
        found = list(names or ())
        if names is None:
            found = candidates(kind, known, key=key, manage=manage)
            self.pulled.personal = personal(kind, known, manage)
        by = self._project.values.get(kind.name, {})
        extra = [self._wanted.key, kind.created, selection.name, *by, *self._records.read]
        read = list(dict.fromkeys([*found, *filter(None, extra)]))
        asked = dict.fromkeys(selection.ids or ())
        for there in selection.records(self._hubspot, kind, read, known=self._is_known):
            for one in there:
                asked.pop(one.id, None)
            chunk = [one for one in there if not self._project.knows(kind, one)]
            self.pulled.found += len(there)
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
        self.pulled.found += is_known
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
        keys = self._records.keys(chunk, self._wish)
        self.pulled.repeated, self.pulled.lacking = self._keys.repeated, self._keys.lacking
        ids = [one.id for one in chunk if one.id in keys]
        lines, with_others = self._lines(keys, ids)
        ends = {
            to: associated(self._hubspot, self._wanted.kind, to, ids) for to in self._wanted.ends
        }
        for one in (one for one in chunk if one.id in keys):
            own_ends = {to: found[one.id] for to, found in ends.items() if one.id in found}
            record = self._records.declared(one, keys[one.id], names, own_ends)
            self._add(one, record, lines.get(one.id, ()), is_whole=one.id not in with_others)

    def _wish(self, one: Actual) -> Wish:
        name = self._wanted.key
        return Wish(one.id, (one.properties.get(name) or "") if name else one.id, one.id)

    def _add(
        self, one: Actual, record: NewRecord, lines: Sequence[NewRecord], *, is_whole: bool
    ) -> None:
        """Add the document of a record; unless it ``is_whole`` there may be other line items."""
        kind = self._wanted.kind
        open_lines = self._project.defaults[kind.name].exact_lines and not is_whole
        nest = self._line_kind.plural.replace(" ", "_")
        text = document(kind.name, record, lines, nest=nest, open_lines=open_lines)
        self._files.add(text, one.properties.get(kind.created) or "")
        self.pulled.records += 1
        self.pulled.lines += len(lines)
        if open_lines:
            self.pulled.left_out.defaults["lines: exact"] += 1

    def _lines(
        self, parents: Mapping[str, str], ids: Sequence[str]
    ) -> tuple[Mapping[str, list[NewRecord]], AbstractSet[str]]:
        """Return the line items to declare by the id of their record, and records with others too.

        ``parents`` are the keys of records by id.
        """
        if self._wanted.lines is None:
            return {}, {*ids}
        names = self._line_names
        by = [self._line_by] if self._line_by else names[:1]
        there = self._read_lines(ids)
        new = {one: self._new_lines_of(one, parents[one], there[one]) for one in ids}
        parent_of = {line.id: parents[one] for one, lines in new.items() for line in lines}

        def wish(line: Actual) -> Wish:
            parent = parent_of[line.id]
            key = line_key(parent, line.id, line.properties, by)
            return Wish(line.id, key, f"{parent}:{line.id}")

        keys = self._new_lines.keys((line for lines in new.values() for line in lines), wish)
        declared = {
            one: [
                self._new_lines.declared(line, keys[line.id], names, {})
                for line in lines
                if line.id in keys
            ]
            for one, lines in new.items()
        }
        return declared, {one for one in ids if len(declared[one]) < len(there[one])}

    def _new_lines_of(self, record_id: str, key: str, lines: Sequence[Actual]) -> list[Actual]:
        """Return the line items of a record that no other document has and that can be found."""
        kind, project = self._line_kind, self._project
        new: list[Actual] = []
        for line in lines:
            if line.id in self._lines_written or project.knows(kind, line):
                self.pulled.lines_known.append(line.id)
            else:
                new.append(line)
        if self._line_by:
            declared = project.siblings_of(self._wanted.kind, key, record_id)
            new = list(self._told_apart(new, lines, declared))
        self._lines_written.update(line.id for line in new)
        return new

    def _told_apart(
        self, new: Iterable[Actual], among: Iterable[Actual], declared: AbstractSet[str]
    ) -> Iterator[Actual]:
        """Yield the line items whose value leads to them and to no other one."""
        name = self._line_by
        number = Counter(fold(line.properties.get(name) or "") for line in among)
        for line in new:
            text = line.properties.get(name) or ""
            value = fold(text)
            if value in declared:
                self.pulled.lines_known.append(line.id)
            elif value and number[value] == 1 and can_hold(text):
                yield line
            else:
                self.pulled.lines_alike.append(line.id)

    def _read_lines(self, ids: Sequence[str]) -> Mapping[str, list[Actual]]:
        """Return the line items of each record, by ascending id."""
        kind, line = self._wanted.kind, self._line_kind
        links = self._hubspot.associations.links(kind.object, line.name, line.object, ids)
        wanted = {one: sorted({link.id for link in links.get(one, ())}, key=int) for one in ids}
        names = [*dict.fromkeys([*self._line_names, *self._new_lines.read])]
        every = [line_id for found in wanted.values() for line_id in found]
        read = self._hubspot.records.read(line.object, every, names) if every else {}
        return {
            one: [read[line_id] for line_id in found if line_id in read]
            for one, found in wanted.items()
        }
