"""What others changed, record by record, and what becomes of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconcile.model.address import Address
from reconcile.model.drift_sources import SetBy
from reconcile.model.plan import Action, LeftAlone, Plan, Reason, RecordChange, UnitChange


class Fate(StrEnum):
    """What the next apply does about drift."""

    LEFT_ALONE = "left_alone"
    PUT_BACK = "put_back"  # by the project's standing policy
    HELD_BACK = "held_back"  # likewise, but a guard holds back the rest of the unit


@dataclass(frozen=True, slots=True)
class DriftedRecord:
    """The drift of one record that has one fate."""

    unit: Address
    drift: LeftAlone
    fate: Fate = Fate.LEFT_ALONE


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What others changed, by the plan that shows it, and what set the values.

    ``sources`` is None if nobody asked for them; ``unread`` says why some could not be read.
    """

    plan: Plan
    sources: Mapping[tuple[Address, str], SetBy] | None = None
    unread: str = ""

    @property
    def drifted(self) -> bool:
        """Whether others changed anything."""
        return any(True for _ in drift_of(self.plan))


def drift_of(plan: Plan) -> Iterator[DriftedRecord]:
    """Yield what others changed, by record: what is left alone, put back or held back."""
    for unit in plan.units:
        found = [DriftedRecord(unit.address, one) for one in unit.left_alone]
        found += _reverted(unit)
        yield from sorted(
            found, key=lambda one: (one.drift.address != unit.address, one.drift.address)
        )


def _reverted(unit: UnitChange) -> Iterator[DriftedRecord]:
    for fate, changes in ((Fate.PUT_BACK, unit.changes), (Fate.HELD_BACK, unit.held)):
        for change in changes:
            if drift := _drift_in(change):
                yield DriftedRecord(unit.address, drift, fate)


def _drift_in(change: RecordChange) -> LeftAlone | None:
    """Return the drift that a change puts back, of which a key changed in HubSpot is not part."""
    fields = tuple(
        field for field in change.fields[bool(change.rekey) :] if field.reason is Reason.DRIFT
    )
    if change.action is not Action.UPDATE or not fields:
        return None
    return LeftAlone(change.address, change.id, change.title, fields)
