"""The plan: what would change, as data.

Frozen, sorted and serialisable; nothing in it can be called. Renderers and the applier interpret
the same plan and decide nothing that it does not say.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from enum import StrEnum
from typing import NamedTuple

from reconcile.model.address import Address
from reconcile.model.drift_sources import NO_DRIFT_SOURCES, DriftSources
from reconcile.model.explanation import Explanation
from reconcile.model.records import Link
from reconcile.model.selected import EVERYTHING, Selected
from reconcile.model.source import NO_SOURCE, Source


class Action(StrEnum):
    """What happens to a record. A record in conflict is shown and left alone."""

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
        """The one-character sign of the action, readable without colour."""
        return _GLYPHS[self]

    @property
    def removes(self) -> bool:
        """Whether the record is no longer managed afterwards."""
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
    """Why a field differs: who changed it since the last apply."""

    NEW = "new"  # the record is being created
    CHANGE = "change"  # the manifest
    DRIFT = "drift"  # HubSpot
    BOTH = "both"
    UNSEEN = "unseen"  # HubSpot has a value that reconcile has never seen
    UNKNOWN = "unknown"  # the state has the record, but no hash to compare with


GUARDED = (Reason.UNSEEN, Reason.UNKNOWN)
"""Reasons that a guard counts: such changes overwrite values that nobody may have looked at."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One property's change, in values on the wire. ``before`` is ``""`` for absent.

    A value that does not change is among the fields if HubSpot would change it; see is_restated.

    ``shown_before`` and ``shown_after`` are what people read if that differs (a stage's label for
    its id); they come from the plan's ``labels``. ``personal`` values are not shown in CI.
    """

    name: str
    before: str
    after: str
    reason: Reason
    shown_before: str = ""
    shown_after: str = ""
    personal: bool = False

    @property
    def is_restated(self) -> bool:
        """Whether the record has the value, which is sent so that HubSpot replaces it by no other.

        HubSpot copies values from the product of a line item into those that a call leaves out.
        """
        return self.before == self.after


class LinkReference(NamedTuple):
    """A manifest's reference to the other end of an association, and the type it asks for."""

    by: str
    value: str
    label: str
    category: str
    type_id: int


@dataclass(frozen=True, slots=True)
class LinkChange:
    """An association to make (``add``) or to remove.

    The other end is ``id``, or ``address`` for a record created by the same plan. To make one,
    ``types`` is the complete set of (category, type id) that the pair has afterwards, since HubSpot
    replaces the set; to remove one, it is the types to remove. ``references`` are the manifest's
    that ask for it, none for a line item's parent; for a removal they are how a manifest would name
    it. ``reason`` is who changed it: the manifest, others who removed it (drift), or both. The rest
    follows from the references: ``ours`` are the declared types, which the state records, ``shown``
    is the other end as the manifest names it, and ``personal`` whether to hide that.
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
    reason: Reason = Reason.CHANGE

    @property
    def is_to_parent(self) -> bool:
        """Whether it is the association of a line item with its parent."""
        return self.add and not self.references


@dataclass(frozen=True, slots=True)
class Effect:
    """All that apply can send or remember of one record's change; its digest covers every part.

    - ``id``: empty until the record exists
    - ``fields``: the values to write; for an archive, the managed values that the record has
    - ``parent``, ``parent_id``: a line item's parent, and its id if it exists already
    - ``adopts``: the record exists and the state does not know it
    - ``adopted_by``: the property and the value by which its document adopts it
    - ``rekey``: the record was found by its id in the state, and its key was changed in HubSpot
    - ``recreates``: the record in the state was archived, merged or deleted
    - ``ignore``: fields that are set now and never compared again
    - ``moved_from``: the former key, under which the state or HubSpot has the record
    - ``pruned``: the record is removed because no manifest declares it any more
    - ``foreign``: the record is a line item that others added where the lines are exact
    """

    address: Address
    action: Action
    id: str = ""
    fields: tuple[FieldChange, ...] = ()
    links: tuple[LinkChange, ...] = ()
    parent: Address | None = None
    parent_id: str = ""
    adopts: bool = False
    adopted_by: tuple[str, str] | None = None
    rekey: bool = False
    recreates: bool = False
    ignore: tuple[str, ...] = ()
    protect: bool = False
    moved_from: str = ""
    pruned: bool = False
    foreign: bool = False

    @property
    def gets_parent(self) -> bool:
        """Whether a line item is not under its parent before the change."""
        return not self.id or any(link.is_to_parent for link in self.links)

    @property
    def former(self) -> Address | None:
        """The address of the record in the state until the change is applied, if it was moved."""
        return Address(self.address.kind, self.moved_from) if self.moved_from else None


@dataclass(frozen=True, slots=True)
class Refresh:
    """Managed values and associations that are as declared already.

    They are read back and remembered with a change, and never sent.
    """

    keep: tuple[tuple[str, str], ...] = ()
    kept_links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordChange(Effect):
    """Everything that a plan says of one record: its effect, and what surrounds it.

    - ``keep``, ``kept_links``: see ``Refresh``
    - ``title``: what people call the record
    - ``why``: explains a conflict, associations that are left out, or why a record is forgotten
    - ``unreachable``: a record in conflict that HubSpot does not have, so that nothing can be
      associated with it
    - ``state``: the digest of the record's entry in the state; if the entry has changed since, the
      change is not applied
    """

    title: str = ""
    keep: tuple[tuple[str, str], ...] = ()
    kept_links: tuple[Link, ...] = ()
    why: tuple[Explanation, ...] = ()
    unreachable: bool = False
    state: str = ""

    @property
    def effect(self) -> Effect:
        """What apply does, and nothing else."""
        return Effect(*(getattr(self, name) for name in _EFFECT))

    @property
    def is_refresh(self) -> bool:
        """Whether only the state learns something of a record that it has already."""
        return self.action is Action.ADOPT and not (self.adopts or self.moved_from)

    @property
    def is_remembered(self) -> bool:
        """Whether it is a refresh with nothing to look at: every apply makes it, unasked."""
        return self.is_refresh and not self.why

    @property
    def refresh(self) -> Refresh:
        """What else the state remembers."""
        return Refresh(self.keep, self.kept_links)


_EFFECT = tuple(field.name for field in dataclass_fields(Effect))


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """What others changed of one record while its manifest did not. Apply leaves it as it is.

    ``fields`` have the value that HubSpot has as ``before`` and the declared one as ``after``;
    ``links`` are the associations that others removed.
    """

    address: Address
    id: str
    title: str = ""
    fields: tuple[FieldChange, ...] = ()
    links: tuple[LinkChange, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitChange:
    """The changes of one unit, the root's first.

    ``held`` are declared changes that a guard holds back, as they would be made, and
    ``left_alone`` is drift. Apply does nothing about either.

    ``manifest`` is the digest of the unit as declared, empty if no manifest declares it;
    ``definitions`` is the digest of the definitions that its values depend on. If either has
    changed since, the unit is not applied. ``others`` counts the undeclared records under it.
    ``effect_digest`` covers ``others`` and the effects of its changes, but for those of which only
    the state remembers something else, and nothing else.
    """

    address: Address
    changes: tuple[RecordChange, ...]
    manifest: str = ""
    definitions: str = ""
    others: int = 0
    held: tuple[RecordChange, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    effect_digest: str = ""

    @property
    def effective(self) -> tuple[RecordChange, ...]:
        """The changes that a review is about: all but what every apply remembers unasked."""
        return tuple(change for change in self.changes if not change.is_remembered)

    @property
    def former(self) -> Address | None:
        """The address of the unit in the state until its root is applied, if that was moved."""
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
    """A limit that the plan exceeds, which refuses it. It can be allowed for this count only."""

    name: str
    count: int
    limit: int
    message: str

    @property
    def allowance(self) -> str:
        """The value of ``--allow`` that allows this guard."""
        return f"{self.name}={self.count}"


@dataclass(frozen=True, slots=True)
class TargetPin:
    """The target and account that a plan is for."""

    name: str
    portal_id: int
    account_type: str
    sandbox: bool = False


class ValueLabel(NamedTuple):
    """The text shown for a stored value of one property: a stage's label for its id."""

    kind: str
    property: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change on one target. ``units`` are sorted by address.

    - ``identities``: how records of each kind are found: (kind, how, property)
    - ``unchanged``: the number of records that are as declared already
    - ``defines``: properties to define, before anything else is applied
    - ``undeclared``: managed records that no manifest declares any more and that are left alone;
      with ``prune``, those that are protected or that declared records refer to
    - ``others``: how many line items, under all planned orders and carts, no manifest declares
    - ``unkeyed``: how many records of a kind that the plan creates have no key: (kind, number)
    - ``unchecked``: sentences about what the token was not allowed to read
    - ``in_doubt``: units left out because an interrupted run has in-doubt writes to them
    - ``resolved``: units whose conflicts in the state no longer exist; applying removes these
      entries, which is not a change
    - ``labels``: the texts shown in place of stored values
    - ``personal``: the (kind, property) pairs that the account makes personal data
    - ``limits``: the most records that may have an action: (action, kind or ``""``, number)
    - ``allowed``: the values of ``--allow`` that it was made with
    - ``reverts``: the (kind, property) pairs whose drift the project always puts back
    - ``manage``: what the target lets be written, as pairs; none without ``manage:``
    - ``keyed``: the effect digests were made with the state's key

    The state's ``serial``, other ``paths`` of manifests, what was ``selected``, the ``source`` and
    the ``drift_sources`` are not part of what it does.
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
    others: int = 0
    unkeyed: tuple[tuple[str, int], ...] = ()
    unchecked: tuple[str, ...] = ()
    in_doubt: tuple[Address, ...] = ()
    resolved: tuple[Address, ...] = ()
    labels: tuple[ValueLabel, ...] = ()
    personal: tuple[tuple[str, str], ...] = ()
    limits: tuple[tuple[str, str, int], ...] = ()
    allowed: tuple[str, ...] = ()
    reverts: tuple[tuple[str, str], ...] = ()
    manage: tuple[tuple[str, str], ...] = ()
    keyed: bool = False
    serial: int = 0
    paths: tuple[str, ...] = ()
    selected: Selected = EVERYTHING
    source: Source = NO_SOURCE
    drift_sources: DriftSources = NO_DRIFT_SOURCES

    @property
    def empty(self) -> bool:
        """Whether all records are as declared, but for what others changed.

        Applying may still change what the state remembers of them.
        """
        return not self.defines and not any(unit.held or unit.effective for unit in self.units)

    @property
    def idle(self) -> bool:
        """Whether applying has nothing to do or to report but what is held back."""
        return not self.defines and not any(unit.changes for unit in self.units)

    @property
    def acts(self) -> bool:
        """Whether applying would do more than report conflicts."""
        return bool(self.defines) or any(
            change.action is not Action.CONFLICT for change in self.records()
        )

    def records(self) -> Iterable[RecordChange]:
        """Yield every record change, unit by unit."""
        for unit in self.units:
            yield from unit.changes
