"""Archiving the records of one batch.

HubSpot's answer says nothing (204, whatever the ids were, reference §8), and there is no way back
through the API. So each record is read before, and again afterwards: it must be gone from the live
ones and stand among the archived ones.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from reconcile.applying.item import Item
from reconcile.applying.recheck import recheck_standing
from reconcile.applying.recheck_parents import recheck_lines_under, recheck_parents
from reconcile.applying.sending import send
from reconcile.applying.tools import Tools
from reconcile.applying.verify import WAITS
from reconcile.errors import ApiError, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.writes import Answer, Refused, Unclear, Write
from reconcile.model.address import Address
from reconcile.model.kinds import Kind
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


def archive(
    tools: Tools, kind: Kind, items: Sequence[Item], *, going: Collection[str] = ()
) -> None:
    """Archive up to 100 records that are still what the plan showed.

    ``going`` are the ids of all line items that the plan archives.
    """
    changes = [item.change for item in items]
    checked = recheck_standing(tools.hubspot, kind, tools.properties(kind), changes)
    moved = recheck_parents(tools.parents, changes) | recheck_lines_under(
        tools.hubspot, kind, items, going
    )
    ready: list[Item] = []
    for item, result in zip(items, checked, strict=True):
        item.id = item.change.id
        if result.gone:
            item.end(Status.DONE, _ALREADY)
        elif why := result.conflict or moved.get(item.change.address):
            item.end(Status.CONFLICT, why)
        elif item.previous is None and item.change.state:
            item.end(Status.CONFLICT, "the state does not know it any more; plan again")
        else:
            ready.append(item)
    if ready:
        _archive(tools, kind, ready)


def _archive(tools: Tools, kind: Kind, items: Sequence[Item]) -> None:
    number = tools.journal.intend("archive", items)
    answers: dict[str, Answer] = {}
    unanswered = Status.UNKNOWN, "the run ended before HubSpot answered"
    try:
        send(
            lambda writes: tools.hubspot.archive(kind.object, [write.id for write in writes]),
            [Write(item.id, item.id, {}) for item in items],
            answers,
        )
        sent = [item.id for item in items if not isinstance(answers[item.id], Refused)]
        gone = read_archived(tools.hubspot, kind, sent, tools.sleep)
        for item in items:
            _end(item, answers[item.id], gone=item.id in gone)
    except ApiError as error:
        unanswered = Status.UNKNOWN if isinstance(error, Unreachable) else Status.FAILED, str(error)
        raise
    finally:
        for item in items:
            if item.status is None:
                item.end(*(_UNREAD if item.id in answers else unanswered))
        tools.journal.answered(number, items)


def _end(item: Item, answer: Answer, *, gone: bool) -> None:
    if gone:
        item.end(Status.DONE)
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
