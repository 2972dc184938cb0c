"""Consistency checks: a plan must show what it writes, and be one that the planner can make.

Whoever can write a plan file can also compute its digests, so they prove nothing. These checks hold
for every plan that the planner makes; a plan that fails one is refused.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from reconcile.errors import UsageError
from reconcile.model.address import BY_ID, fold
from reconcile.model.definitions import Property
from reconcile.model.identity import Identity, unpinned
from reconcile.model.kinds import Kind, kinds
from reconcile.model.limits import as_limits
from reconcile.model.plan import (
    Action,
    FieldChange,
    Plan,
    Reason,
    RecordChange,
    UnitChange,
    ValueLabel,
)
from reconcile.model.values import same, show
from reconcile.planning.consistent_associations import ID, MOST, link_faults, rises
from reconcile.planning.consistent_policy import policy_faults
from reconcile.planning.consistent_sources import source_faults
from reconcile.planning.derived import Legend, derived, legend_of
from reconcile.planning.guards import tripped_limits
from reconcile.planning.holding import in_order

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MOMENTS = (Property("", "date"), Property("", "datetime"))
_OF_EXISTING = (Action.UPDATE, Action.ADOPT, Action.ASSOCIATE, Action.ARCHIVE)


def require_consistent(plan: Plan) -> None:
    """Raise UsageError if the plan contradicts itself, or is not one that the planner can make."""
    fault = next(contradictions(plan), "")
    if fault:
        raise UsageError(
            f"the plan contradicts itself: {fault}",
            hint="make the plan again; a plan file must not be edited",
        )


def contradictions(plan: Plan) -> Iterator[str]:
    """Yield the contradictions in a plan."""
    identities = unpinned(plan.identities)
    if len(identities) != len(plan.identities) or not identities.keys() <= kinds().keys():
        yield "the identity of a kind is unknown, or given twice, or its kind is unknown"
    yield from _of_whole(plan)
    yield from _of_legend(plan)
    yield from policy_faults(plan, identities)
    yield from source_faults(plan)
    for unit in plan.units:
        for fault in _of_unit(unit):
            yield f"{unit.address}: {fault}"
        for change in (*unit.changes, *unit.held):
            identity = identities.get(change.address.kind)
            if identity is None or change.address.kind not in kinds():
                yield f"{change.address}: its kind is not one of the plan's"
                continue
            for fault in _of_record(change, unit, kinds()[change.address.kind], identity):
                yield f"{change.address}: {fault}"


def labelled(kind: Kind) -> frozenset[str]:
    """Return the properties that are shown by a label in place of the value."""
    names = kind.pipeline
    return frozenset((names.pipeline, names.stage)) if names else frozenset()


def _is_named(label: ValueLabel, kind: Kind) -> bool:
    """Return whether a label is what names a record whose id is the value."""
    return label.property in kind.looked_up and ID.fullmatch(label.value) is not None


def _may_be_shown_as(label: ValueLabel, kind: Kind, plan: Plan) -> bool:
    """Return whether a value can be shown so: by a label, an owner's address or another spelling.

    Whether the account has that label is checked during apply.
    """
    if label.property in labelled(kind) or _is_named(label, kind):
        return True
    if any(same(label.text, label.value, moment) for moment in _MOMENTS):
        return True
    is_personal = (label.kind, label.property) in plan.personal or kind.is_personal(label.property)
    are_ids = all(map(ID.fullmatch, label.value.split(";")))
    return is_personal and "@" in label.text and are_ids


def _of_legend(plan: Plan) -> Iterator[str]:
    """Yield where labels and guards are not those that follow from the changes."""
    for label in plan.labels:
        kind = kinds().get(label.kind)
        if kind is None or not _may_be_shown_as(label, kind, plan):
            yield f"values of {show(label.property)} have no labels"
    legend = Legend(plan.labels, plan.personal)
    if derived(plan.units, legend) != plan.units or legend_of(plan.units) != legend:
        yield "its labels do not match its values"
    if len({label[:3] for label in plan.labels}) != len(plan.labels):
        yield "a value has two labels"
    tripped = tripped_limits(plan.units, as_limits(plan.limits), plan.allowed)
    if tripped != plan.guards or not rises(plan.limits) or not rises(plan.allowed):
        yield "its guards are not those of its changes"


def _of_whole(plan: Plan) -> Iterator[str]:
    if not rises([unit.address for unit in plan.units]) or not rises(plan.undeclared):
        yield "its records are not in order"
    names = [
        change.address.folded() for unit in plan.units for change in (*unit.changes, *unit.held)
    ]
    if len(set(names)) != len(names):
        yield "a record occurs twice"
    if any(change.pruned for change in plan.records()) and not plan.prune:
        yield "it prunes although it is not marked so"
    numbers = [plan.unchanged, plan.serial, *(most for *_, most in plan.limits)]
    numbers += [unit.others for unit in plan.units]
    numbers += [plan.others, *(number for _, number in plan.unkeyed)]
    if not {kind for kind, _ in plan.unkeyed} <= kinds().keys():
        yield "it counts records of an unknown kind"
    if not all(0 <= number <= MOST for number in (*numbers, plan.target.portal_id)):
        yield "a number is out of range"


def _of_unit(unit: UnitChange) -> Iterator[str]:
    if not (unit.changes or unit.held or unit.left_alone):
        yield "it has no changes"
        return
    over = kinds().get(unit.address.kind)
    if over is None or not over.is_unit:
        yield "it cannot have line items"
    changes = in_order(unit, (*unit.changes, *unit.held))
    root = changes[0] if changes and changes[0].address == unit.address else None
    lines = changes[1:] if root else changes
    if any(unit.address.kind not in _parents(line) for line in lines):
        yield "it contains records that do not belong to it"
    if any(
        not rises([one.address for one in some if one.address != unit.address])
        for some in (unit.changes, unit.held, unit.left_alone)
    ):
        yield "its records are not in order"
    if not _DIGEST.fullmatch(unit.definitions):
        yield "it does not name the definitions it was made with"
    if not (_DIGEST.fullmatch(unit.manifest) or not unit.manifest):
        yield "it does not name the manifest it was made from"
    yield from _of_parent(unit, root, lines)


def _of_parent(
    unit: UnitChange, root: RecordChange | None, lines: Sequence[RecordChange]
) -> Iterator[str]:
    """Yield where the line items of a unit do not belong to its root."""
    acting = [c for c in lines if c.action is not Action.CONFLICT and not c.action.removes]
    ids = {line.parent_id for line in acting}
    if root is None and acting and unit.address.key.startswith(BY_ID):
        ids.add(unit.address.key.removeprefix(BY_ID))
    if root is not None and acting and root.action in (Action.CREATE, *_OF_EXISTING):
        ids.add(root.id)
    if len(ids) > 1 or (root is None and "" in ids):
        yield "its line items belong to another record"


def _parents(change: RecordChange) -> Sequence[str]:
    kind = kinds().get(change.address.kind)
    return kind.parents if kind else ()


def _of_record(
    change: RecordChange, unit: UnitChange, kind: Kind, identity: Identity
) -> Iterator[str]:
    if kind.is_unit != (change.address == unit.address):
        yield "its place in the unit is wrong"
    if not ID.fullmatch(change.id) and (change.id or change.action in _OF_EXISTING):
        yield f"{show(change.id)} is not the id of a record"
    if change.parent_id and (kind.is_unit or not ID.fullmatch(change.parent_id)):
        yield f"{show(change.parent_id)} is not the id of its parent"
    own_id = change.address.key.removeprefix(BY_ID if change.foreign else "")
    by_id = identity.key_is_id or change.foreign
    if by_id and change.action in _OF_EXISTING and change.id != own_id:
        yield "its key is not its id"
    if change.state and not _DIGEST.fullmatch(change.state):
        yield "the digest of its entry in the state is malformed"
    yield from _of_action(change)
    yield from _of_flags(change)
    yield from _of_fields(change, identity)
    if change.action is Action.CREATE:
        yield from _of_create(change, identity)
    yield from link_faults(change, unit, kind)


def _of_action(change: RecordChange) -> Iterator[str]:
    """Yield parts of a change that do not belong to its action."""
    action, keeps = change.action, change.kept_links or change.keep or change.ignore
    writes_fields = action in (Action.CREATE, Action.UPDATE, Action.ARCHIVE)
    writes_links = action in (Action.CREATE, Action.UPDATE, Action.ASSOCIATE)
    if action is Action.DEFINE:
        yield f"{action} does not apply to a record"
    if (change.fields and not writes_fields) or (change.links and not writes_links):
        yield f"{action} does not write that"
    if (action is Action.UPDATE and not change.fields) or (
        action is Action.ASSOCIATE and not change.links
    ):
        yield f"{action} writes nothing"
    if keeps and action in (Action.ARCHIVE, Action.FORGET, Action.CONFLICT):
        yield f"{action} keeps nothing"
    if change.ignore and action is not Action.CREATE:
        yield "it ignores a property that it does not set"


def _of_flags(change: RecordChange) -> Iterator[str]:
    action = change.action
    if action is Action.CONFLICT:
        return
    if action is Action.FORGET and not (change.id and change.state):
        yield "the state does not know it"
    if action in _OF_EXISTING and not (change.adopts or change.state):
        yield "the state does not know it, and it is not adopted"
    if action is Action.ARCHIVE and change.adopts and change.state:
        yield "the state knows it, but it is adopted"
    may = {
        "adopts": action in _OF_EXISTING,
        "rekey": action in (Action.UPDATE, Action.ARCHIVE),
        "recreates": action is Action.CREATE,
        "pruned": action.removes,
        "adopted_by": change.adopts,
        "foreign": action is Action.ARCHIVE and change.adopts and not change.pruned,
        "unreachable": False,
    }
    for name, allowed in may.items():
        if getattr(change, name) and not allowed:
            yield f"{action} cannot be marked as {name}"


def _of_fields(change: RecordChange, identity: Identity) -> Iterator[str]:
    names = [field.name for field in change.fields]
    kept = [name for name, _ in change.keep]
    if len({*names, *kept}) != len(names) + len(kept) or not all((*names, *kept)):
        yield "a property occurs twice, or without a name"
    copied = kinds()[change.address.kind].copied_into(
        [field.name for field in change.fields if not field.is_restated]
    )
    rest = names[1:] if names[:1] == [identity.key_property] else names
    if not (rises(rest) and rises(kept) and rises(change.ignore)):
        yield "its properties are not in order"
    yield from _of_values(change, identity, copied)
    if identity.key_property:
        yield from _of_key(change, identity.key_property)


def _of_values(change: RecordChange, identity: Identity, copied: Collection[str]) -> Iterator[str]:
    """Yield fields whose values do not belong to the action. HubSpot fills in ``copied``."""
    for field in change.fields:
        new, removed = change.action is Action.CREATE, change.action is Action.ARCHIVE
        if (field.reason is Reason.NEW) != new or (new and field.before):
            yield f"{show(field.name)} does not exist before the record is created"
        if removed and field.after:
            yield f"{show(field.name)} is removed with the record"
        if not removed and field.is_restated and field.name not in copied:
            yield f"{show(field.name)} does not change"
        adopted = change.adopts and not removed and field.name != identity.name
        if (adopted and not field.is_restated) and (field.reason is Reason.UNSEEN) != bool(
            field.before
        ):
            yield f"{show(field.name)} of an adopted record has not been seen"


def _of_key(change: RecordChange, name: str) -> Iterator[str]:
    """Yield what is wrong with the key that is written or removed."""
    if name in dict(change.keep) or name in change.ignore:
        yield "its key is listed among its values"
    key = next((field for field in change.fields if field.name == name), None)
    match change.action:
        case Action.CREATE:
            if key is None or key.after != change.address.key:
                yield "it is created with another key"
        case Action.UPDATE:
            is_stamp = key is not None and key.before == ""
            if (key is not None) != (change.rekey or is_stamp or _is_moved(change, key)):
                yield "its key is written although the change is not marked so"
            if key is not None and key.after != change.address.key:
                yield "it gets another key"
        case Action.ARCHIVE:
            if key is None:
                yield "it does not name its key"
            elif not _may_have(change, key.before):
                yield "it has another key"


def _is_moved(change: RecordChange, key: FieldChange | None) -> bool:
    """Return whether an update writes the key because the record has its former one."""
    moved = change.moved_from
    return key is not None and bool(moved) and fold(key.before) == fold(moved)


def _may_have(change: RecordChange, key: str) -> bool:
    """Return whether a record to be archived may have a key: its own, none, or one of others."""
    return change.rekey or change.foreign or fold(key) in {"", *_keys(change)}


def _keys(change: RecordChange) -> set[str]:
    return {fold(change.address.key), *((fold(change.moved_from),) if change.moved_from else ())}


def _of_create(change: RecordChange, identity: Identity) -> Iterator[str]:
    if identity.key_is_id:
        yield "only HubSpot assigns ids"
    if change.id or change.kept_links:
        yield "it exists already"
    if bool(change.state) != change.recreates:
        yield "its recreation does not match its entry in the state"
    if any(value for _, value in change.keep):
        yield "a new record keeps no values"
    if not {field.name for field in change.fields}.union(dict(change.keep)) >= {*change.ignore}:
        yield "it ignores a property that it does not set"
    told_apart = identity.sibling_property
    if told_apart and not any(field.name == told_apart for field in change.fields):
        yield f"it does not name its {told_apart}, which identifies it"
