"""Create or update the records of one batch.

Each step re-reads its records right before it writes those that are still as planned, and ends
every task. The endpoint depends on the kind's data and on the number of records.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from reconcile.applying.batch_outcomes import end_created, end_updated, ending
from reconcile.applying.batch_send import resolve_unclear_updates, send
from reconcile.applying.confirm_ids import confirm, find_created
from reconcile.applying.context import ApplyContext
from reconcile.applying.created_records import lookup_of
from reconcile.applying.fresh_recheck import Call, FreshSender, Withheld
from reconcile.applying.overwritten import LateWrite, note_overwritten
from reconcile.applying.recheck import Checked, recheck_absent, recheck_present
from reconcile.applying.recheck_parents import recheck_parents, with_moved
from reconcile.applying.rereads import LONG_WAITS, until_shown
from reconcile.applying.task import ChangeTask
from reconcile.errors import CallRefused
from reconcile.fetching.children import parents_of
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Answer, Unclear, Write, Written
from reconcile.model.address import Address
from reconcile.model.definitions import Property
from reconcile.model.kinds import Kind
from reconcile.model.line_parent import parents_to_check
from reconcile.model.outcome import Status
from reconcile.model.plan import FieldChange

_IN_PATH = re.compile(r"\w[\w .:~-]*")


def create(
    context: ApplyContext,
    kind: Kind,
    tasks: Sequence[ChangeTask],
    *,
    planned_ids: Collection[str] = (),
) -> None:
    """Create up to 100 records; ``planned_ids`` holds the ids of other records of the plan.

    Raises HubSpotError if no further call can succeed.
    """
    identity = context.identity(kind)
    parents = {task.change.parent.kind for task in tasks if task.change.parent}
    slots = {"objects": 2, "associations": len(parents) if identity.sibling_property else 0}
    writes: dict[str, tuple[ChangeTask, Write]] = {}

    def check(some: Sequence[ChangeTask]) -> list[Checked]:
        changes = [task.change for task in some]
        wanted = [lookup_of(task.change, identity, task.parent_id) for task in some]
        return recheck_absent(
            context.hubspot, kind, identity, changes, wanted, planned_ids=planned_ids
        )

    def check_again(inputs: Sequence[Write], in_doubt: bool) -> Sequence[Write | Answer]:  # noqa: FBT001
        some = [writes[write.trace][0] for write in inputs]
        if in_doubt:
            made = find_created(context, kind, {task.trace: task for task in some}, planned_ids)
            return [
                Written(made[write.trace].id) if write.trace in made else write for write in inputs
            ]
        results = zip(inputs, check(some), strict=True)
        return [Withheld(one.conflict) if one.conflict else write for write, one in results]

    with context.hubspot.step(**slots) as step:
        ready = _without_conflicts(context, tasks, check(tasks))
        for task, result in ready:
            name = task.trace = context.trace()
            values = _values(result.fields, context.properties(kind))
            key = task.change.address.key
            writes[name] = task, Write(name, key, values, _parent_link(kind, task))
        if not writes:
            return
        call = _creating(context, kind, ready)
        with ending(context, kind.create, writes, end_created) as answers:
            fresh = FreshSender(
                context.hubspot,
                slots=slots,
                read=step.replied_at,
                call=call,
                again=check_again,
                note_late=_noting_late(writes if kind.create == "upsert" else {}),
            )
            known = context.refused_values(kind, kind.create)
            send(context, fresh, _inputs(writes), answers, known=known, answered=fresh.answered)
            made = {name: task for name, (task, _) in writes.items()}
            with _refusals_suppressed():  # then they stay unclear or unconfirmed, and unused
                confirm(context, kind, made, answers, planned_ids=planned_ids)
    hit = {
        answer.id: (task, LateWrite(task.change))
        for task, write in writes.values()
        if isinstance(answer := answers.get(write.trace), Written) and answer.new is False
    }
    note_overwritten(context, kind, hit)


def _recheck(context: ApplyContext, kind: Kind, tasks: Sequence[ChangeTask]) -> list[Checked]:
    """Re-check records that exist, and line items' parents."""
    changes = [task.change for task in tasks]
    checked = recheck_present(
        context.hubspot,
        kind,
        context.identity(kind),
        context.properties(kind),
        changes,
        refreshes=[task.refresh for task in tasks],
    )
    return with_moved(checked, recheck_parents(context.parents, changes))


def update(context: ApplyContext, kind: Kind, tasks: Sequence[ChangeTask]) -> None:
    """Update, adopt or merely confirm up to 100 records that exist.

    Raises HubSpotError if no further call can succeed.
    """
    definitions = context.properties(kind)
    asked = {word for task in tasks for word in parents_to_check(task.change)}
    slots = {"objects": 2, "associations": len(asked)}
    writes: dict[str, tuple[ChangeTask, Write]] = {}
    held: dict[str, str] = {}
    check = partial(_recheck, context, kind)

    def check_again(inputs: Sequence[Write], in_doubt: bool) -> Sequence[Write | Answer]:  # noqa: FBT001
        some = [writes[write.trace][0] for write in inputs]
        checked = check(some)
        if not in_doubt:  # else the values may come from the attempt that was not answered
            _note_found(context, list(zip(some, checked, strict=True)), untried)
        results = zip(inputs, checked, strict=True)
        return [_left(write, one, definitions, in_doubt=in_doubt) for write, one in results]

    # Values that an earlier process of the run may have written are not somebody else's.
    untried = {task.change.address for task in tasks} - context.journal.so_far.traces.keys()
    with context.hubspot.step(**slots) as step:
        ready = _without_conflicts(context, tasks, check(tasks))
        _note_found(context, ready, untried)
        for task, result in ready:
            task.id = task.change.id
            if not result.fields:
                task.accept()
                continue
            name = task.trace = context.trace()
            held[name] = result.key
            writes[name] = task, Write(name, task.change.id, _values(result.fields, definitions))
        if not writes:
            return
        call = _updating(context, kind, held)
        with ending(context, "update", writes, end_updated) as answers:
            fresh = FreshSender(
                context.hubspot,
                slots=slots,
                read=step.replied_at,
                call=call,
                again=check_again,
                note_late=_noting_late(writes),
            )
            known = context.refused_values(kind, "update")
            send(context, fresh, _inputs(writes), answers, known=known, answered=fresh.answered)
            unclear = [
                (task.id, write)
                for task, write in writes.values()
                if _is_unclear(answer := answers.get(write.trace)) or _is_anothers(task, answer)
            ]
            with _refusals_suppressed():  # still unclear then, and reported so
                answers.update(resolve_unclear_updates(context.hubspot, kind, definitions, unclear))


def _note_found(
    context: ApplyContext,
    checked: Sequence[tuple[ChangeTask, Checked]],
    untried: Collection[Address],
) -> None:
    """Record in the journal, before anything is sent, which fields others have set as planned.

    ``untried`` holds the records that this run has not tried to write yet.
    """
    found: dict[Address, list[str]] = {}
    for task, result in checked:
        if task.change.address in untried and not result.conflict:
            found[task.change.address] = [
                field.name for field in task.change.fields if field not in result.fields
            ]
    context.journal.found(found)


@contextmanager
def _refusals_suppressed() -> Iterator[None]:
    """Suppress a refused read, but not an error that every further call would meet too."""
    try:
        yield
    except CallRefused:
        return


def _inputs(writes: Mapping[str, tuple[ChangeTask, Write]]) -> list[Write]:
    return [write for _, write in writes.values()]


def _is_unclear(answer: Answer | None) -> bool:
    return isinstance(answer, Unclear)


def _is_anothers(task: ChangeTask, answer: Answer | None) -> bool:
    """Return whether an update was answered with another record's id: a merged or a wrong one."""
    return isinstance(answer, Written) and answer.id != task.change.id


def _noting_late(writes: Mapping[str, tuple[ChangeTask, Write]]) -> Callable[[Write], None]:
    def note(write: Write) -> None:
        if write.trace in writes:
            writes[write.trace][0].late = True

    return note


def _left(
    write: Write, result: Checked, definitions: Mapping[str, Property], *, in_doubt: bool
) -> Write | Answer:
    """Return the update that a repeated re-check leaves to send, or the answer that replaces it."""
    if result.conflict:
        if in_doubt:
            return Unclear(f"no usable answer came; then: {result.conflict}")
        return Withheld(result.conflict)
    if not result.fields:
        return Written(write.id)
    return Write(write.trace, write.id, _values(result.fields, definitions))


def _creating(
    context: ApplyContext, kind: Kind, ready: Sequence[tuple[ChangeTask, Checked]]
) -> Call[Write]:
    identity = context.identity(kind)
    if kind.create == "upsert":
        return lambda hubspot, inputs: hubspot.records.upsert(kind.object, identity.name, inputs)
    parents = {task.change.parent.kind for task, _ in ready if task.change.parent}
    owners = partial(_owners, context, kind, parents) if identity.sibling_property else None
    return lambda hubspot, inputs: hubspot.records.create(
        kind.object, inputs, match=identity.name, read_parents=owners
    )


def _owners(
    context: ApplyContext, kind: Kind, parents: Collection[str], ids: Sequence[str]
) -> Mapping[str, frozenset[str]]:
    """Return the parents of new records, by id; read until shown or ``LONG_WAITS`` is used up."""
    found: dict[str, frozenset[str]] = {}

    def read(left: Sequence[str]) -> Sequence[str]:
        found.update(parents_of(context.hubspot, kind, parents, left))
        return [one for one in left if not found.get(one)]

    until_shown(ids, read, context.sleep, LONG_WAITS)
    return found


def _updating(context: ApplyContext, kind: Kind, held: Mapping[str, str]) -> Call[Write]:
    """Return the call for an update: a patch for one record, a batch for several.

    ``held`` gives the keys by trace. A single record is patched by its key, so that nothing is
    written if the key was cleared a moment ago. It is patched by id if the key itself is written,
    or cannot be part of a path: servers differ in how they decode an encoded slash.
    """
    if len(held) != 1:
        return lambda hubspot, inputs: hubspot.records.update(kind.object, inputs)
    key_property = context.identity(kind).key_property

    def patch(hubspot: HubSpot, inputs: Sequence[Write]) -> Mapping[str, Answer]:
        (write,) = inputs
        name, key = write.trace, held[write.trace]
        if key_property and key_property not in write.properties and _by_path(key):
            addressed = Write(name, key, write.properties)
            return {name: hubspot.records.patch(kind.object, addressed, id_property=key_property)}
        return {name: hubspot.records.patch(kind.object, write)}

    return patch


def _by_path(key: str) -> bool:
    return _IN_PATH.fullmatch(key) is not None


def _parent_link(kind: Kind, task: ChangeTask) -> tuple[tuple[str, str, int], ...]:
    parent = task.change.parent
    if parent is None:
        return ()
    return ((task.parent_id, "HUBSPOT_DEFINED", kind.associations[parent.kind].type_id),)


def _without_conflicts(
    context: ApplyContext, tasks: Sequence[ChangeTask], checked: Sequence[Checked]
) -> list[tuple[ChangeTask, Checked]]:
    """Return the tasks without a conflict, or none if a conflict has halted the run."""
    ready: list[tuple[ChangeTask, Checked]] = []
    for task, result in zip(tasks, checked, strict=True):
        if result.conflict:
            task.end(Status.CONFLICT, result.conflict)
        else:
            ready.append((task, result))
    context.halt.check_outcomes(tasks)
    return [] if context.halt.stopped else ready


def _values(fields: Sequence[FieldChange], definitions: Mapping[str, Property]) -> dict[str, str]:
    """Return the values to send, by property.

    HubSpot would append a set that begins with ``;`` to the options that are already selected.
    """
    return {
        field.name: field.after.lstrip(";") if definitions[field.name].multiple else field.after
        for field in fields
    }
