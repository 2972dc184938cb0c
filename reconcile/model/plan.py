"""The plan: what would change, as data.

Frozen, sorted and serialisable; nothing in it can be called. Renderers and the applier read the
same plan, and a plan must not be used to decide anything that it does not say.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reconcile.model.address import Address
from reconcile.model.records import Link
from reconcile.model.source import NO_SOURCE, Source


class Action(StrEnum):
    """What happens to a record. A conflict is shown and left alone."""

    DEFINE = "define"
    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    ASSOCIATE = "associate"
    ARCHIVE = "archive"
    FORGET = "forget"
    CONFLICT = "conflict"

    @property
    def glyph(self) -> str:
        """The one-character sign of the action; it carries the meaning without colour."""
        return _GLYPHS[self]

    @property
    def removes(self) -> bool:
        """Whether the record is not managed any more afterwards."""
        return self in (Action.ARCHIVE, Action.FORGET)


_GLYPHS = {
    Action.DEFINE: "+",
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.ADOPT: "=",
    Action.ASSOCIATE: "&",
    Action.ARCHIVE: "-",
    Action.FORGET: ".",
    Action.CONFLICT: "!",
}


class Reason(StrEnum):
    """Why a field differs: who moved since the last apply."""

    NEW = "new"  # the record is being created
    CHANGE = "change"  # the manifest
    DRIFT = "drift"  # HubSpot
    BOTH = "both"
    UNSEEN = "unseen"  # nobody: HubSpot has a value that reconcile has never seen
    UNKNOWN = "unknown"  # the state knows the record, but remembers nothing to compare with


GUARDED = (Reason.UNSEEN, Reason.UNKNOWN)
"""Reasons of changes that a guard stands against: they overwrite what nobody may have looked at."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One property's values on the wire. ``before`` is ``""`` for absent.

    ``shown_before`` and ``shown_after`` are what people read where that differs from the wire
    (a stage's label for its id): what the plan's ``labels`` say. ``personal`` keeps values out of
    CI.
    """

    name: str
    before: str
    after: str
    reason: Reason
    shown_before: str = ""
    shown_after: str = ""
    personal: bool = False


class LinkReference(NamedTuple):
    """A manifest's reference to the other end of an association, and the type that it asks for.

    ``by``, ``value`` and ``label`` are those of the reference.
    """

    by: str
    value: str
    label: str
    category: str
    type_id: int


@dataclass(frozen=True, slots=True)
class LinkChange:
    """An association to make (``add``) or to remove.

    The other end is ``id``, or ``address`` for a record made by the same plan, bound when
    applying. ``types`` is the whole set of (category, type id) the pair must have afterwards when
    adding (HubSpot replaces the set), and those to remove when removing. ``references`` are the
    manifest's that ask for it, none for a line item's parent; of one to remove they are how a
    manifest would name it. From them follow ``ours``, the
    declared types, which are written and remembered; ``shown``, which names the other end as the
    manifest does; and ``personal``.
    """

    add: bool
    to: str
    id: str
    address: Address | None
    types: tuple[tuple[str, int], ...]
    shown: str = ""
    ours: tuple[tuple[str, int], ...] = ()
    personal: bool = False
    references: tuple[LinkReference, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordChange:
    """Everything that happens to one record.

    ``id`` is empty until the record exists. ``parent`` is the address of a line item's parent and
    ``parent_id`` its id where it exists already. ``rekey`` marks an update that writes the key
    back onto a record found by its id in state, or an archive of such a one; ``adopts`` one of a
    record the state did not know. ``moved_from`` is the key that the state, or HubSpot, has the
    record under and that its manifest names as the former one. ``pruned`` marks the removal of a
    record that no manifest declares any more. The ``fields`` of an archive are the managed values
    that the record has, and its title.
    ``fields`` alone hold what is written. ``keep`` are the managed values that stay as they are, to
    be remembered; ``kept_links`` the declared associations
    that stand already; ``ignore`` names the fields that are set now and never compared again.
    ``state`` is the digest of what the state said of the record; where that has moved, the change
    is left alone. ``why`` explains a conflict, or what of a change is not possible: a line for each
    reason, then lines that name the way out (see ``reasons_and_hints``). ``unreachable`` marks a record in
    conflict that HubSpot does not have, so that nothing can be associated with it. ``title`` is
    what people call the record.
    """

    address: Address
    action: Action
    id: str = ""
    title: str = ""
    fields: tuple[FieldChange, ...] = ()
    links: tuple[LinkChange, ...] = ()
    parent: Address | None = None
    parent_id: str = ""
    adopts: bool = False
    rekey: bool = False
    recreates: bool = False
    why: str = ""
    unreachable: bool = False
    keep: tuple[tuple[str, str], ...] = ()
    kept_links: tuple[Link, ...] = ()
    ignore: tuple[str, ...] = ()
    state: str = ""
    protect: bool = False
    moved_from: str = ""
    pruned: bool = False

    @property
    def former(self) -> Address | None:
        """The address that the state knows the record by until the change is carried out."""
        return Address(self.address.kind, self.moved_from) if self.moved_from else None


_PLACED = re.compile(r".+?:\d+:\d+: ")


def reasons_and_hints(why: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the reasons that a change's ``why`` holds, and the ways out.

    The first line is a reason, and so is each line after it that begins with a place in a manifest.
    """
    first, *later = why.split("\n")
    reasons = (first, *(line for line in later if _PLACED.match(line)))
    ways_out = tuple(line for line in later if line.strip() and not _PLACED.match(line))
    return reasons, ways_out


@dataclass(frozen=True, slots=True)
class UnitChange:
    """The changes of one unit, the root's first.

    ``manifest`` and ``definitions`` are digests of what the unit was planned from: what the
    manifests say of it, empty where they say nothing, and the definitions that its values depend
    on. The applier leaves the unit alone when either has moved. ``others`` counts the records under
    it that nothing declares.
    """

    address: Address
    changes: tuple[RecordChange, ...]
    manifest: str = ""
    definitions: str = ""
    others: int = 0

    @property
    def former(self) -> Address | None:
        """The address that the state knows the unit by until its root's change is carried out."""
        root = self.changes[0] if self.changes else None
        return root.former if root and root.address == self.address else None


@dataclass(frozen=True, slots=True)
class PropertyDefine:
    """A unique text property to define for a kind, so that its records can be found by key."""

    kind: str
    name: str
    label: str
    group: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A limit that the plan exceeds. An ``exact`` one is let pass for just this count."""

    name: str
    count: int
    limit: int
    message: str
    exact: bool = False

    @property
    def allowance(self) -> str:
        """What ``--allow`` takes to let the plan pass."""
        return f"{self.name}={self.count}" if self.exact else self.name


@dataclass(frozen=True, slots=True)
class TargetPin:
    """Which account a plan is for."""

    name: str
    portal_id: int
    account_type: str
    sandbox: bool = False


class ValueLabel(NamedTuple):
    """What people call a stored value of one property: a stage's label for its id."""

    kind: str
    property: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change on one target. ``units`` are sorted by address.

    ``identities`` say how each kind's keys find records: (kind, how, property). ``unchanged``
    counts records that are as declared already; ``undeclared`` lists records the
    state manages that no manifest declares any more (left alone; with ``prune`` those that
    are protected, or that declared records point at). ``defines`` come first when applying.
    ``unchecked`` are sentences on what the token did not let us look at.
    ``resolved`` are the units of which the state remembers conflicts that no longer stand: applying
    makes the state forget them. That changes nothing anywhere else, so it is not a change.
    ``labels`` are the texts shown in place of stored values, ``personal`` the (kind, property)
    pairs that the account makes personal data, ``limits`` the counts above which guards trip.
    Not part of what it does: the state's ``serial``, other ``paths`` of manifests, the ``source``.
    """

    target: TargetPin
    units: tuple[UnitChange, ...]
    lineage: str = ""
    identities: tuple[tuple[str, str, str], ...] = ()
    unchanged: int = 0
    defines: tuple[PropertyDefine, ...] = ()
    undeclared: tuple[Address, ...] = ()
    guards: tuple[Guard, ...] = ()
    prune: bool = False
    unchecked: tuple[str, ...] = ()
    resolved: tuple[Address, ...] = ()
    labels: tuple[ValueLabel, ...] = ()
    personal: tuple[tuple[str, str], ...] = ()
    limits: tuple[tuple[str, int], ...] = ()
    serial: int = 0
    paths: tuple[str, ...] = ()
    source: Source = NO_SOURCE

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show: every record is as declared, and none in conflict."""
        return not self.units and not self.defines

    @property
    def acts(self) -> bool:
        """Whether applying would do more than report conflicts."""
        return bool(self.defines) or any(
            change.action is not Action.CONFLICT for change in self.records()
        )

    def records(self) -> Iterable[RecordChange]:
        """Every record change, unit by unit."""
        for unit in self.units:
            yield from unit.changes
