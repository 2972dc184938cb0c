"""Equal changes as groups: what they have in common, what does not fit in, and one example.

Records are of one group if the same is done to the same properties of records of one kind, of the
same risk. Only what is shown decides: values that are left out as personal must not be told apart.
Two passes over the views keep memory small: the first counts values, the second picks records.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from reconcile.model.plan import Action
from reconcile.render.cohorts import Cohort, Row, cohort_key
from reconcile.render.record_views import RecordView, UnitView
from reconcile.render.risk import Risk, risk

UNITS = 200
"""Maximum units to list; what is left out is counted."""


@dataclass(frozen=True, slots=True)
class Group:
    """``size`` records to which the same is done; ``notes`` say what is special.

    ``key`` is what the records have in common, as ``cohorts.cohort_key`` returns it.
    ``apart`` are those that differ from the others, as parts of their units, and ``example`` is
    one of the others. Without ``rows`` they are conflicts of one sort: those listed in ``apart``,
    and ``more`` like them.
    """

    key: Hashable
    action: Action
    kind: str
    size: int
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    apart: tuple[UnitView, ...]
    more: int = 0
    example: RecordView | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Changes of one risk: those ``listed`` one by one, as parts of their units, and groups.

    ``left_out`` counts records that are neither listed nor in a group: by action and kind.
    """

    risk: Risk
    listed: tuple[UnitView, ...]
    left_out: Mapping[tuple[Action, str], int]
    groups: tuple[Group, ...]


def sections(units: Callable[[], Iterable[UnitView]], *, limit: int = UNITS) -> list[Section]:
    """Return the changes of ``units``, most risky first; at most ``limit`` units are listed."""
    cohorts: dict[Hashable, Cohort] = {}
    for unit in units():
        for record in unit.records:
            key = cohort_key(record, unit.address)
            if (cohort := cohorts.get(key)) is None:
                cohort = Cohort(key, risk(record), record.action, record.address.kind)
                cohorts[key] = cohort
            cohort.add(record)
    for cohort in cohorts.values():
        cohort.decide()
    picked = _Picked(limit)
    for unit in units():
        found = [(cohorts[cohort_key(record, unit.address)], record) for record in unit.records]
        picked.add(unit, found)
    return picked.sections(cohorts.values())


class _Picked:
    """The records that are shown, collected unit by unit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._listed: dict[Risk, list[UnitView]] = {}
        self._left_out: dict[Risk, Counter[tuple[Action, str]]] = {}
        self._apart: dict[int, list[UnitView]] = {}

    def add(self, unit: UnitView, found: Iterable[tuple[Cohort, RecordView]]) -> None:
        """Pick what is shown of a unit, each of whose records is in a cohort."""
        single: dict[Risk, list[RecordView]] = {}
        for cohort, record in found:
            if not cohort.is_group:
                single.setdefault(cohort.risk, []).append(record)
                continue
            apart = self._apart.setdefault(id(cohort), [])
            if cohort.differs(record, len(apart)):
                apart.append(_part(unit, [record]))
            elif cohort.example is None:
                cohort.example = record
        for of, records in single.items():
            listed = self._listed.setdefault(of, [])
            part = _part(unit, records)
            if len(listed) < self._limit:
                listed.append(part)
            else:
                self._leave_out(of, part)

    def sections(self, cohorts: Iterable[Cohort]) -> list[Section]:
        """Return what was picked, most risky first: of the least risky, fewer are listed."""
        groups: dict[Risk, list[Group]] = {}
        for cohort in sorted(cohorts, key=lambda one: one.size):
            if cohort.is_group:
                shown = _joined(self._apart.get(id(cohort), []))
                groups.setdefault(cohort.risk, []).append(_group(cohort, shown))
        left, found = self._limit, []
        for of in Risk:
            listed = self._listed.get(of, [])
            for part in listed[left:]:
                self._leave_out(of, part)
            kept = tuple(listed[:left])
            left -= len(kept)
            if listed or of in groups:
                counted = self._left_out.get(of, Counter())
                found.append(Section(of, kept, counted, tuple(groups.get(of, ()))))
        return found

    def _leave_out(self, of: Risk, part: UnitView) -> None:
        counted = ((record.action, record.address.kind) for record in part.records)
        self._left_out.setdefault(of, Counter()).update(counted)


def _group(cohort: Cohort, apart: tuple[UnitView, ...]) -> Group:
    notes = () if cohort.example is None else tuple(_notes(cohort, cohort.example))
    more = 0
    if cohort.risk is Risk.CONFLICT:
        more = cohort.size - sum(len(unit.records) for unit in apart)
    return Group(
        cohort.key,
        cohort.action,
        cohort.kind,
        cohort.size,
        notes,
        tuple(cohort.common_rows()),
        apart,
        more,
        cohort.example,
    )


def _notes(cohort: Cohort, example: RecordView) -> Iterator[str]:
    """Yield what is special about the records: in the words of one where each has its own."""
    for note in example.notes:
        yield note if cohort.notes[note] == cohort.size else f"{note} (for example)"


def _part(unit: UnitView, records: list[RecordView]) -> UnitView:
    """Return a unit with only these of its records."""
    others = unit.others if records[0] is unit.records[0] else 0
    return replace(unit, records=tuple(records), others=others)


def _joined(parts: Iterable[UnitView]) -> tuple[UnitView, ...]:
    """Return parts of the same unit as one."""
    found = []
    for _, group in groupby(parts, key=lambda part: part.address):
        same = list(group)
        records = tuple(record for part in same for record in part.records)
        found.append(replace(same[0], records=records))
    return tuple(found)
