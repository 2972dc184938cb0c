"""Records to which the same is done: what they have in common, and which of them differ."""

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from reconcile.model.address import Address
from reconcile.model.plan import Action
from reconcile.render.anomalies import is_slip
from reconcile.render.patterns import NOTHING, Patterns, Value, patterns, without
from reconcile.render.record_views import RecordView, listed_fields
from reconcile.render.remarks import MOVED
from reconcile.render.risk import Risk, risk

FEW = 5
"""Records that are alike and fewer than these are listed, also when they could be a group."""
SOME = 20
"""More records than these are a group even if a property changes in another way on each."""
APART = 10
"""Maximum records of a group that are shown apart because they differ from the others."""
ALIKE = 5
"""Maximum conflicts of one sort to list; those like them are counted."""


class Changed(NamedTuple):
    """A property that changes, or the associations (``link``) with one sort of record.

    ``note`` says who else changed it, ``hidden`` that its values are personal and left out, and
    ``differs`` that those before are left out. Associations are made or removed (``adds``).
    """

    name: str
    note: str
    hidden: bool
    differs: bool
    link: bool
    adds: bool


@dataclass(frozen=True, slots=True)
class Row:
    """What is done to one property of a group."""

    what: Changed
    found: Patterns


@dataclass(slots=True)
class Cohort:
    """Records that are done the same to, while they are counted and then picked."""

    key: Hashable
    risk: Risk
    action: Action
    kind: str
    size: int = 0
    values: dict[Changed, Counter[Value]] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    slips: int = 0
    rows: tuple[Row, ...] = ()
    strict: dict[Changed, Patterns] = field(default_factory=dict)
    apart: list[dict[Changed, Value]] = field(default_factory=list)
    is_group: bool = False
    example: RecordView | None = None

    def add(self, record: RecordView) -> None:
        """Count a record."""
        self.size += 1
        for note in record.notes:
            self.notes[note] = self.notes.get(note, 0) + 1
        self.slips += _has_slip(record)
        if self.risk is not Risk.CONFLICT:
            for name, value in _values(record):
                self.values.setdefault(name, Counter())[value] += 1

    def decide(self) -> None:
        """Find what the records have in common, once all are counted."""
        if self.risk is Risk.CONFLICT:
            self.is_group = True
            return
        found = {name: self._patterns(values) for name, values in self.values.items()}
        self.values.clear()
        left = APART  # a record that is shown apart for each of many reasons would be no exception
        for name, one in sorted(found.items(), key=lambda item: item[1].rest):
            if 0 < one.rest <= min(left, max(1, self.size // 20)):
                self.strict[name] = one
                left -= one.rest
        self.rows = tuple(
            Row(name, replace(one, rest=0, bounds=None) if name in self.strict else one)
            for name, one in found.items()
            if name not in self.strict or not one.is_absent
        )
        varies = any(row.found.rest for row in self.rows)
        self.is_group = self.size > SOME or (self.size >= FEW and not varies)

    def common_rows(self) -> Iterator[Row]:
        """Yield what is done to the records that are not shown apart."""
        for row in self.rows:
            gone = (values.get(row.what, NOTHING) for values in self.apart)
            yield replace(row, found=without(row.found, gone))

    def _patterns(self, values: Counter[Value]) -> Patterns:
        absent = self.size - values.total()
        return patterns(values + Counter({NOTHING: absent}) if absent else values)

    def differs(self, record: RecordView, apart: int) -> bool:
        """Return whether a record is shown apart from its group, as ``apart`` others are already.

        Of conflicts these are the first ones, of others those that are not like the rest.
        """
        if self.risk is Risk.CONFLICT:
            return apart < ALIKE
        slips = self.slips <= min(APART, self.size // 2) and _has_slip(record)
        if not slips and not self.strict:
            return False
        values = dict(_values(record))
        strict = self.strict.items()
        if not slips and all(found.cover(values.get(what, NOTHING)) for what, found in strict):
            return False
        self.apart.append(values)
        return True


def _has_slip(record: RecordView) -> bool:
    return any(is_slip(one, record.address.kind) for one in record.fields)


def cohort_key(record: RecordView, unit: Address) -> Hashable:
    """Return what records of one group have in common, but for the values.

    Of texts that is what is the same for each record: neither its address nor where it was.
    """
    own, kind = str(record.address), record.address.kind

    def alike(text: str) -> str:
        return text.replace(own, kind).replace(str(unit), unit.kind)

    of = risk(record)
    if of is Risk.CONFLICT:
        texts = tuple((alike(one.reason), alike(one.hint)) for one in record.why)
        return of, kind, texts
    names: tuple[Hashable, ...] = ()
    if record.action is not Action.CREATE:  # of new records, what is absent is counted
        names = tuple(
            (one.name, one.note, one.hidden, one.differs) for one in listed_fields(record)
        )
        names += tuple((link.add, link.to) for link in record.links)
    notes = tuple(MOVED if note.startswith(MOVED) else alike(note) for note in record.notes)
    return of, record.action, kind, record.root, notes, names


def _values(record: RecordView) -> Iterator[tuple[Changed, Value]]:
    """Yield what is done to each property of a record, and to its associations."""
    for one in listed_fields(record):
        value = Value(one.before, one.after, one.shown_before, one.shown_after)
        yield Changed(one.name, one.note, one.hidden, one.differs, link=False, adds=True), value
    links: dict[Changed, list[str]] = {}
    for link in record.links:
        name = Changed(link.to, "", link.hidden, differs=False, link=True, adds=link.add)
        links.setdefault(name, []).append(link.text.removeprefix(f"{link.to} "))
    for name, texts in links.items():
        text = ", ".join(sorted(texts))
        yield name, Value("", text, "", text)
