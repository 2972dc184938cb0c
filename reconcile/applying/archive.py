"""Archiving the records of one batch.

HubSpot's answer says nothing (204, whatever the ids were, reference §8), and there is no way back
through the API. So each record is read before, and again afterwards: it must be gone from the live
ones and stand among the archived ones.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from reconcile.applying.batch_send import send
from reconcile.applying.context import Tools
from reconcile.applying.fresh_recheck import Fresh, Withheld
from reconcile.applying.journal import NOT_SENT
from reconcile.applying.overwritten import Late, note_overwritten
from reconcile.applying.recheck import Checked, recheck_standing
from reconcile.applying.recheck_parents import recheck_lines_under, recheck_parents, with_moved
from reconcile.applying.task import Item
from reconcile.applying.verify import WAITS
from reconcile.errors import ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Answer, Refused, Unclear, Write, Written
from reconcile.model.address import Address
from reconcile.model.kinds import Kind
from reconcile.model.line_parent import parents_to_check
from reconcile.model.outcome import Status
from reconcile.model.plan import Action

_ALREADY = "archived in HubSpot already"
_UNREAD = Status.UNKNOWN, "sent, and not read back before the run ended"


def ready_to_go(
    kind: Kind, items: Sequence[Item], by_address: Mapping[Address, Item]
) -> list[Item]:
    """Of some removals those of a kind that may be archived now; the others get their end.

    A line item goes unless the order or cart over it stays and was not written as planned. An order
    or cart goes when all its lines have gone: they would be left without it.
    """
    stuck: dict[Address, Item] = {}
    for item in items:
        if item.change.parent is not None and _goes(item) and item.status is not Status.DONE:
            stuck.setdefault(item.unit, item)
    ready: list[Item] = []
    for item in items:
        if item.kind is not kind or not _goes(item) or item.status is not None:
            continue
        over = by_address.get(item.change.parent) if item.change.parent is not None else None
        under = stuck.get(item.unit) if item.change.parent is None else None
        if over is not None and not over.change.action.removes and over.status is not Status.DONE:
            item.end(Status.SKIPPED, f"{over.change.address} was not written as planned")
        elif under is not None:
            item.end(Status.SKIPPED, f"{under.change.address} under it was not archived")
        else:
            ready.append(item)
    return ready


def _goes(item: Item) -> bool:
    return item.change.action is Action.ARCHIVE


def look_first(
    tools: Tools, kind: Kind, items: Sequence[Item], *, going: Collection[str] = ()
) -> None:
    """End those of up to 100 records that are not what the plan showed any more; see ``archive``.

    Asked before anything of their orders and carts is archived: these go whole or not at all.
    """
    with tools.hubspot.step(**_slots(kind, items)):
        for item, result in zip(items, _check(tools, kind, items, going=going), strict=True):
            if result.conflict:
                item.end(Status.CONFLICT, result.conflict)


def hold_whole(items: Sequence[Item]) -> None:
    """End what is left of orders and carts to be archived of which a record must stay."""
    goes_whole = {item.unit for item in items if item.change.parent is None and _goes(item)}
    stuck: dict[Address, Item] = {}
    for item in items:
        if _goes(item) and item.status is not None and item.status is not Status.DONE:
            stuck.setdefault(item.unit, item)
    for item in items:
        by = stuck.get(item.unit)
        if by is not None and item.unit in goes_whole and item.status is None:
            why = f"{by.change.address} has to stay, and {item.unit} goes as a whole or not at all"
            item.end(Status.SKIPPED, why)


def in_whole_units(items: Sequence[Item]) -> list[Item]:
    """Return the records to be archived of orders and carts that go together with line items."""
    lines = {item.unit for item in items if item.change.parent is not None and _goes(item)}
    roots = {item.unit for item in items if item.change.parent is None and _goes(item)}
    whole = lines & roots
    return [item for item in items if item.unit in whole and _goes(item) and item.status is None]


def _slots(kind: Kind, items: Sequence[Item]) -> Mapping[str, int]:
    """Return the calls of one re-check and one write, by limit."""
    asked = {word for item in items for word in parents_to_check(item.change)}
    return {"objects": 2, "associations": len(asked) + len(kind.children)}


def _check(
    tools: Tools, kind: Kind, items: Sequence[Item], *, going: Collection[str]
) -> Sequence[Checked]:
    changes = [item.change for item in items]
    checked = recheck_standing(tools.hubspot, kind, tools.properties(kind), changes)
    moved = recheck_parents(tools.parents, changes)
    return with_moved(checked, moved | recheck_lines_under(tools.hubspot, kind, items, going))


def archive(
    tools: Tools, kind: Kind, items: Sequence[Item], *, going: Collection[str] = ()
) -> None:
    """Archive up to 100 records that are still what the plan showed.

    ``going`` are the ids of all line items that the plan archives.
    """
    slots = _slots(kind, items)
    check = partial(_check, tools, kind, going=going)

    with tools.hubspot.step(**slots) as step:
        ready: list[Item] = []
        for item, result in zip(items, check(items), strict=True):
            item.id = item.change.id
            if result.conflict:
                item.end(Status.CONFLICT, result.conflict)
            elif result.gone:
                item.end(Status.DONE, _ALREADY)
            elif item.previous is None and item.change.state:
                item.end(Status.CONFLICT, "the state does not know it any more; plan again")
            else:
                ready.append(item)
        tools.halt.look(items)
        if ready and not tools.halt.stopped:
            _archive(tools, kind, ready, check, slots=slots, read=step.replied)


def _left(write: Write, result: Checked, *, in_doubt: bool) -> Write | Answer:
    """A record that one more re-check leaves to archive, or its answer where it is not."""
    if result.gone:
        return Written(write.id)
    if result.conflict and in_doubt:
        return Unclear(f"no usable answer came; then: {result.conflict}")
    return Withheld(result.conflict) if result.conflict else write


def _archive(
    tools: Tools,
    kind: Kind,
    items: Sequence[Item],
    check: Callable[[Sequence[Item]], Sequence[Checked]],
    *,
    slots: Mapping[str, int],
    read: float,
) -> None:
    """Archive what was re-checked at a moment."""
    by_id = {item.id: item for item in items}

    def check_again(inputs: Sequence[Write], in_doubt: bool) -> Sequence[Write | Answer]:  # noqa: FBT001
        results = zip(inputs, check([by_id[one.id] for one in inputs]), strict=True)
        return [_left(write, result, in_doubt=in_doubt) for write, result in results]

    def note_late(write: Write) -> None:
        by_id[write.id].late = True

    fresh = Fresh(
        tools.hubspot,
        slots=slots,
        read=read,
        call=lambda hubspot, inputs: hubspot.archive(kind.object, [one.id for one in inputs]),
        again=check_again,
        note_late=note_late,
    )
    number = tools.journal.intend("archive", items)
    answers: dict[str, Answer] = {}
    unanswered: tuple[Status, str] | None
    unanswered = Status.UNKNOWN, "the run ended before HubSpot answered"
    try:
        inputs = [Write(item.id, item.id, {}) for item in items]
        send(tools, fresh, inputs, answers, answered=fresh.answered)
        sent = [id_ for id_, answer in answers.items() if not isinstance(answer, Refused)]
        gone = read_archived(tools.hubspot, kind, sent, tools.sleep)
        late = [item for item in items if item.late and item.id in gone]
        noted = {item.id: (item, Late(item.change, archived=True)) for item in late}
        note_overwritten(tools, kind, noted)
        for item in items:
            if item.id in answers:
                _end(item, answers[item.id], gone=item.id in gone)
        unanswered = None
    except ApiError as error:
        # As of other writes: an earlier attempt may have been carried out.
        lost = isinstance(error, (Unreachable, AuthError, RateLimited))
        unanswered = (Status.UNKNOWN if lost else Status.FAILED), str(error)
        raise
    finally:
        for item in items:
            if item.status is None and item.id in answers:
                item.end(*_UNREAD)
            elif item.status is None and unanswered is not None:
                item.end(*unanswered)
        tools.halt.look(items)
        tools.journal.answered(number, items)
        tools.journal.undone(
            [item.change.address for item in items if item.status is None], NOT_SENT
        )


def _end(item: Item, answer: Answer, *, gone: bool) -> None:
    if gone:
        item.end(Status.DONE)
    elif isinstance(answer, Withheld):
        item.end(Status.CONFLICT, answer.message)
    elif isinstance(answer, Refused):
        item.end(Status.FAILED, answer.message)
    elif isinstance(answer, Unclear):
        item.end(Status.UNKNOWN, f"{answer.message}; the next plan finds out by reading")
    else:
        item.end(Status.UNKNOWN, "HubSpot does not show it as archived; plan again to see")


def read_archived(
    hubspot: HubSpot, kind: Kind, ids: Sequence[str], sleep: Callable[[float], None]
) -> frozenset[str]:
    """Which of the records are archived, and no live ones. Read again after each of ``WAITS``."""
    gone: frozenset[str] = frozenset()
    for wait in WAITS:
        left = [id_ for id_ in ids if id_ not in gone]
        if not left:
            break
        sleep(wait)
        there = hubspot.read(kind.object, left, [])
        lost = [id_ for id_ in left if id_ not in there]
        gone |= hubspot.read(kind.object, lost, [], archived=True).keys() if lost else set()
    return gone
