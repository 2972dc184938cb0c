"""What `explain` shows: who may write what, and where the values of one record come from."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reconcile.model.address import Address
from reconcile.model.plan import Reason
from reconcile.model.records import NOWHERE, Location


class Rule(NamedTuple):
    """One thing that can be written: by whom, and the setting that says so, if any."""

    what: str
    who: str
    location: Location = NOWHERE


class Applied(StrEnum):
    """How what HubSpot has now compares with the last apply."""

    SAME = "as last applied"
    CHANGED = "changed by others since the last apply"
    NEVER = "never applied"
    UNKNOWN = "cannot be compared with the last apply"


class Fate(StrEnum):
    """What a plan does about a declared value."""

    WRITE = "write"
    HELD = "held back"
    LEFT = "left alone"
    CONFLICT = "conflict"
    IGNORED = "ignored"
    NONE = "nothing"


@dataclass(frozen=True, slots=True)
class ExplainedValue:
    """A property or an association of a record.

    - ``location``: where it is declared, ``default`` if not by the record's own document
    - ``declared``: its text there; empty text clears a property, None is not declared any more
    - ``now``: what HubSpot has, as people read it; None if the record does not exist
    - ``guards``: those that hold it back
    """

    name: str
    declared: str | None
    location: Location
    default: bool
    now: str | None
    applied: Applied
    fate: Fate
    reason: Reason | None = None
    guards: tuple[str, ...] = ()
    personal: bool = False
    association: bool = False


@dataclass(frozen=True, slots=True)
class ExplainedRecord:
    """One declared record. ``id`` is its record in HubSpot, ``run`` the last one that wrote it."""

    address: Address
    unit: Address
    location: Location
    id: str
    run: str
    managed: bool
    values: tuple[ExplainedValue, ...]
