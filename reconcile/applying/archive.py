"""Archive the records of one batch.

HubSpot's response proves nothing (204, whatever the ids were, reference §8), and the API cannot
restore a record. So each record is read before the call and again after it: a record counts as
archived only when live reads no longer return it and archived reads do.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from reconcile.applying.batch_outcomes import withdraw_unsent
from reconcile.applying.batch_send import send
from reconcile.applying.change_states import ChangeState
from reconcile.applying.context import ApplyContext
from reconcile.applying.fresh_recheck import FreshSender, Withheld
from reconcile.applying.overwritten import LateWrite, note_overwritten
from reconcile.applying.recheck import Checked, recheck_standing
from reconcile.applying.recheck_parents import recheck_lines_under, recheck_parents, with_moved
from reconcile.applying.rereads import until_shown
from reconcile.applying.task import ChangeTask
from reconcile.errors import CallRefused, HubSpotError
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Answer, Refused, Unclear, Write, Written
from reconcile.model.address import Address
from reconcile.model.kinds import Kind
from reconcile.model.line_parent import parents_to_check
from reconcile.model.outcome import Status
from reconcile.model.plan import Action

_ALREADY = "archived in HubSpot already"
_UNREAD = "sent, but not read back before the run ended"


def ready_to_archive(
    kind: Kind, tasks: Sequence[ChangeTask], by_address: Mapping[Address, ChangeTask]
) -> list[ChangeTask]:
    """Return the tasks of a kind whose records may be archived now; skip those that may not.

    A line item may be archived unless its order or cart stays and was not written as planned. An
    order or cart may be archived once all its lines are, since they would be left without it.
    """
    stuck: dict[Address, ChangeTask] = {}
    for task in tasks:
        if task.change.parent is not None and _goes(task) and task.status is not Status.DONE:
            stuck.setdefault(task.unit, task)
    ready: list[ChangeTask] = []
    for task in tasks:
        if task.kind is not kind or not _goes(task) or not task.is_prepared:
            continue
        over = by_address.get(task.change.parent) if task.change.parent is not None else None
        under = stuck.get(task.unit) if task.change.parent is None else None
        if over is not None and not over.change.action.removes and over.status is not Status.DONE:
            task.end(Status.SKIPPED, f"{over.change.address} was not written as planned")
        elif under is not None:
            task.end(Status.SKIPPED, f"{under.change.address} under it was not archived")
        else:
            ready.append(task)
    return ready


def _goes(task: ChangeTask) -> bool:
    return task.change.action is Action.ARCHIVE


def recheck_whole_units(
    context: ApplyContext,
    kind: Kind,
    tasks: Sequence[ChangeTask],
    *,
    archiving: Collection[str] = (),
) -> None:
    """End up to 100 tasks in conflict whose records are no longer as planned; see ``archive``.

    Called before any record of their units is archived, since these are archived as a whole or not
    at all.
    """
    with context.hubspot.step(**_slots(kind, tasks)):
        for task, result in zip(
            tasks, _check(context, kind, tasks, archiving=archiving), strict=True
        ):
            if result.conflict:
                task.end(Status.CONFLICT, result.conflict)


def skip_incomplete_units(tasks: Sequence[ChangeTask]) -> None:
    """Skip the remaining records of units that are archived as a whole but must keep a record."""
    goes_whole = {task.unit for task in tasks if task.change.parent is None and _goes(task)}
    stuck: dict[Address, ChangeTask] = {}
    for task in tasks:
        if _goes(task) and task.status is not None and task.status is not Status.DONE:
            stuck.setdefault(task.unit, task)
    for task in tasks:
        by = stuck.get(task.unit)
        if by is not None and task.unit in goes_whole and task.is_prepared:
            stays = f"{by.change.address} must stay"
            why = f"{stays}, and {task.unit} is archived as a whole or not at all"
            task.end(Status.SKIPPED, why)


def in_whole_units(tasks: Sequence[ChangeTask]) -> list[ChangeTask]:
    """Return the pending tasks of units whose root and line items are all to be archived."""
    lines = {task.unit for task in tasks if task.change.parent is not None and _goes(task)}
    roots = {task.unit for task in tasks if task.change.parent is None and _goes(task)}
    whole = lines & roots
    return [task for task in tasks if task.unit in whole and _goes(task) and task.is_prepared]


def _slots(kind: Kind, tasks: Sequence[ChangeTask]) -> Mapping[str, int]:
    """Return how many calls one re-check and one write take, by rate limit."""
    asked = {word for task in tasks for word in parents_to_check(task.change)}
    lines = len(kind.children) if any(task.others for task in tasks) else 0
    return {"objects": 2 + lines, "associations": len(asked) + len(kind.children)}


def _check(
    context: ApplyContext, kind: Kind, tasks: Sequence[ChangeTask], *, archiving: Collection[str]
) -> Sequence[Checked]:
    changes = [task.change for task in tasks]
    properties, bound = context.properties(kind), context.bound
    checked = recheck_standing(context.hubspot, kind, properties, changes, bound)
    moved = recheck_parents(context.parents, changes)
    moved |= recheck_lines_under(context.hubspot, kind, tasks, archiving, bound)
    return with_moved(checked, moved)


def archive(
    context: ApplyContext,
    kind: Kind,
    tasks: Sequence[ChangeTask],
    *,
    archiving: Collection[str] = (),
) -> None:
    """Archive those of up to 100 records that are still as planned; end the tasks of the others.

    ``archiving`` holds the ids of all line items that the plan archives. Raises HubSpotError if no
    further call can succeed.
    """
    slots = _slots(kind, tasks)
    check = partial(_check, context, kind, archiving=archiving)

    with context.hubspot.step(**slots) as step:
        ready: list[ChangeTask] = []
        for task, result in zip(tasks, check(tasks), strict=True):
            task.id = task.change.id
            if result.conflict:
                task.end(Status.CONFLICT, result.conflict)
            elif result.gone:
                task.accept(_ALREADY)
            elif task.previous is None and not task.change.adopts:
                task.end(Status.CONFLICT, "the state no longer has this record; plan again")
            else:
                ready.append(task)
        context.halt.check_outcomes(tasks)
        if ready and not context.halt.stopped:
            _archive(context, kind, ready, check, slots=slots, read=step.replied_at)


def _left(write: Write, result: Checked, *, in_doubt: bool) -> Write | Answer:
    """Return the write that a repeated re-check leaves to send, or the answer that replaces it."""
    if result.gone:
        return Written(write.id)
    if result.conflict and in_doubt:
        return Unclear(f"no usable answer came; then: {result.conflict}")
    return Withheld(result.conflict) if result.conflict else write


def _archive(
    context: ApplyContext,
    kind: Kind,
    tasks: Sequence[ChangeTask],
    check: Callable[[Sequence[ChangeTask]], Sequence[Checked]],
    *,
    slots: Mapping[str, int],
    read: float,
) -> None:
    """Archive records whose re-check was answered at the moment ``read``."""
    by_id = {task.id: task for task in tasks}

    def check_again(inputs: Sequence[Write], in_doubt: bool) -> Sequence[Write | Answer]:  # noqa: FBT001
        results = zip(inputs, check([by_id[one.id] for one in inputs]), strict=True)
        return [_left(write, result, in_doubt=in_doubt) for write, result in results]

    def note_late(write: Write) -> None:
        by_id[write.id].late = True

    fresh = FreshSender(
        context.hubspot,
        slots=slots,
        read=read,
        call=lambda hubspot, inputs: hubspot.records.archive(
            kind.object, [one.id for one in inputs]
        ),
        again=check_again,
        note_late=note_late,
    )
    number = context.journal.intend("archive", tasks)
    for task in tasks:
        task.begin()
    answers: dict[str, Answer] = {}
    unanswered: str | None = "the run ended before HubSpot answered"
    refused = False
    try:
        inputs = [Write(task.id, task.id, {}) for task in tasks]
        send(context, fresh, inputs, answers, answered=fresh.answered)
        sent = [id_ for id_, answer in answers.items() if not isinstance(answer, Refused)]
        gone = read_archived(context.hubspot, kind, sent, context.sleep)
        late = [task for task in tasks if task.late and task.id in gone]
        noted = {task.id: (task, LateWrite(task.change, archived=True)) for task in late}
        note_overwritten(context, kind, noted)
        for task in tasks:
            if task.id in answers:
                _end(task, answers[task.id], gone=task.id in gone)
        unanswered = None
    except HubSpotError as error:
        # As with other writes, an earlier attempt may have been carried out.
        unanswered, refused = str(error), isinstance(error, CallRefused)
        raise
    finally:
        for task in tasks:
            if task.state is ChangeState.SENT and task.id in answers:
                task.doubt(_UNREAD)
            elif task.state is ChangeState.SENT and unanswered is not None:
                task.end_unanswered(unanswered, refused=refused)
        context.halt.check_outcomes(tasks)
        context.journal.answered(number, tasks)
        withdraw_unsent(context, tasks)


def _end(task: ChangeTask, answer: Answer, *, gone: bool) -> None:
    if gone:
        task.accept()
    elif isinstance(answer, Withheld):
        task.end(Status.CONFLICT, answer.message)
    elif isinstance(answer, Refused):
        task.end(Status.FAILED, answer.message)
    elif isinstance(answer, Unclear):
        task.doubt(f"{answer.message}; the next plan reads the record to find out")
    else:
        task.doubt("HubSpot does not show it as archived; plan again to check")


def read_archived(
    hubspot: HubSpot, kind: Kind, ids: Sequence[str], sleep: Callable[[float], None]
) -> frozenset[str]:
    """Return the ids of records that are archived and no longer live.

    Records that are not are read again after each of ``WAITS``.
    """

    def read(left: Sequence[str]) -> Sequence[str]:
        there = hubspot.records.read(kind.object, left, [])
        lost = [id_ for id_ in left if id_ not in there]
        gone = hubspot.records.read(kind.object, lost, [], archived=True) if lost else {}
        return [id_ for id_ in left if id_ not in gone]

    left = until_shown(ids, read, sleep)
    return frozenset(ids).difference(left)
