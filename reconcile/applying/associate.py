"""Make and remove associations.

Associations are read again right before they are written: HubSpot replaces the whole label set of a
pair, so a label that somebody added since planning must be in what is written. They are read again
afterwards too: a response that reports success proves nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from reconcile.applying.batch_send import send
from reconcile.applying.context import ApplyContext
from reconcile.applying.fresh_recheck import FreshSender, Withheld
from reconcile.applying.recheck_parents import recheck_unowned
from reconcile.applying.rereads import until_shown
from reconcile.applying.task import ChangeTask
from reconcile.applying.wanted_links import Associations, WantedLink, parent_link
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Answer, Pair, Refused, Written
from reconcile.model.address import Address
from reconcile.model.batches import LINKS_READ, split
from reconcile.model.kinds import Kind, kinds
from reconcile.model.outcome import Status


def associate(
    context: ApplyContext, tasks: Sequence[ChangeTask], ids: Mapping[Address, str]
) -> None:
    """Make and remove the associations that the tasks' changes ask for. ``ids`` binds addresses.

    Raises HubSpotError if no further call can succeed.
    """
    by_pair: dict[tuple[str, str, bool], list[WantedLink]] = defaultdict(list)
    for one in _wanted(tasks, ids):
        if one.to_id:
            by_pair[one.task.kind.name, one.link.to, one.link.add].append(one)
        else:
            one.fail("it does not exist")
    for (name, to, add), links in sorted(by_pair.items(), key=lambda entry: _order(*entry[0])):
        for batch in split(links, LINKS_READ):
            context.halt.check_outcomes(tasks)
            if context.halt.stopped:
                _check_parents(context, kinds()[name], to, batch)
            else:
                _change(context, kinds()[name], to, batch, add=add)
    context.halt.check_outcomes(tasks)


def _wanted(tasks: Sequence[ChangeTask], ids: Mapping[Address, str]) -> Iterator[WantedLink]:
    for task in tasks:
        for link in (*task.change.links, *parent_link(task, ids)):
            to_id = link.id or (ids.get(link.address, "") if link.address else "")
            plain = task.kind.association(link.to).plain(link.ours or link.types)
            yield WantedLink(task, link, to_id, plain)


def _order(name: str, to: str, add: bool) -> tuple[bool, str, str, bool]:  # noqa: FBT001
    """Return what to sort by: a line item leaves a parent after it has got another one."""
    return not add and to in kinds()[name].parents, name, to, add


def _change(
    context: ApplyContext, kind: Kind, to: str, batch: Sequence[WantedLink], *, add: bool
) -> None:
    with context.hubspot.step(**_slots(kind, to, add=add)) as step:
        batch = [one for one in batch if one.task.id]
        found = _read(context, kind, to, batch)
        batch = [one for one in batch if not _is_elsewhere(context, one, found)]
        batch = [one for one in batch if not _stays(one, found)]
        pairs: dict[str, tuple[WantedLink, Pair]] = {}
        for one in batch:
            if types := one.types_to_write(found):
                name = context.trace()
                pairs[name] = one, Pair(name, one.task.id, one.to_id, types)
            else:
                one.succeed()
        if add and to in kind.parents and pairs:
            pairs = _without_owned(context, kind, pairs)
        if pairs:
            written = _send(context, kind, to, pairs, step.replied_at, add=add)
            _confirm(context, kind, to, written)


def _slots(kind: Kind, to: str, *, add: bool) -> Mapping[str, int]:
    """Return the calls of one step, by rate limit.

    Before a line item gets a parent, its parents of every kind are read.
    """
    return {"associations": 2 + (len(kind.owners) if add and to in kind.parents else 0)}


def _check_parents(context: ApplyContext, kind: Kind, to: str, batch: Sequence[WantedLink]) -> None:
    """Read whether new line items are under their parents, after a halt that ends all writing."""
    batch = [one for one in batch if one.task.id and one.is_parent_link]
    found = _read(context, kind, to, batch) if batch else {}
    for one in batch:
        if not _is_elsewhere(context, one, found) and not one.is_shown(found):
            one.leave_in_doubt()


def _read(context: ApplyContext, kind: Kind, to: str, batch: Sequence[WantedLink]) -> Associations:
    """Read the associations that the records have now."""
    ids = [one.task.id for one in batch]
    return context.hubspot.associations.links(kind.object, to, kind.association(to).object, ids)


def _send(
    context: ApplyContext,
    kind: Kind,
    to: str,
    pairs: Mapping[str, tuple[WantedLink, Pair]],
    read: float,
    *,
    add: bool,
) -> Sequence[WantedLink]:
    """Write pairs that were read at the moment ``read``; return those that were not refused."""
    target = kind.association(to).object

    def call(hubspot: HubSpot, inputs: Sequence[Pair]) -> Mapping[str, Answer]:
        write = hubspot.associations.associate if add else hubspot.associations.dissociate
        return write(kind.object, target, inputs)

    def check_again(inputs: Sequence[Pair], in_doubt: bool) -> Sequence[Pair | Answer]:  # noqa: FBT001
        links = [pairs[pair.trace][0] for pair in inputs]
        found = _read(context, kind, to, links)
        due = [one.types_to_write(found, in_doubt=in_doubt) for one in links]
        gets_parent = add and to in kind.parents
        tasks = [one.task for one, types in zip(links, due, strict=True) if types and gets_parent]
        owned = recheck_unowned(context.parents, kind, tasks)
        return [
            Withheld(owned[one.task.change.address])
            if one.task.change.address in owned
            else Pair(pair.trace, pair.from_id, pair.to_id, types)
            if types
            else Written(pair.from_id)
            for pair, one, types in zip(inputs, links, due, strict=True)
        ]

    fresh = FreshSender(
        context.hubspot, slots=_slots(kind, to, add=add), read=read, call=call, again=check_again
    )
    tasks = {id(one.task): one.task for one, _ in pairs.values()}.values()
    number = context.journal.intend("associate" if add else "dissociate", tasks)
    answers: dict[str, Answer] = {}
    written: list[WantedLink] = []
    try:
        inputs = [pair for _, pair in pairs.values()]
        send(context, fresh, inputs, answers, answered=fresh.answered)
    finally:
        context.journal.answered(number, tasks)
        for name, answer in answers.items():
            link, _ = pairs[name]
            if isinstance(answer, Withheld):
                link.conflict(answer.message)
            elif isinstance(answer, Refused):
                link.fail(answer.message)
            else:
                written.append(link)
        for link in (link for name, (link, _) in pairs.items() if name not in answers):
            if link.is_parent_link:
                link.leave_in_doubt()
    return written


def _without_owned(
    context: ApplyContext, kind: Kind, pairs: Mapping[str, tuple[WantedLink, Pair]]
) -> dict[str, tuple[WantedLink, Pair]]:
    """Return the pairs of line items without a parent; end the others in conflict."""
    owned = recheck_unowned(context.parents, kind, [link.task for link, _ in pairs.values()])
    left: dict[str, tuple[WantedLink, Pair]] = {}
    for name, (link, pair) in pairs.items():
        if why := owned.get(link.task.change.address):
            link.conflict(why)
        else:
            left[name] = link, pair
    return left


def _confirm(context: ApplyContext, kind: Kind, to: str, written: Sequence[WantedLink]) -> None:
    """Read back what was written, again after each of ``WAITS`` while it does not show."""

    def read(left: Sequence[WantedLink]) -> Sequence[WantedLink]:
        found = _read(context, kind, to, left)
        for one in left:
            if one.is_shown(found):
                one.succeed()
        return [one for one in left if not one.is_shown(found)]

    for one in until_shown(written, read, context.sleep):
        shows = "does not show the" if one.link.add else "still shows the"
        why = f"HubSpot {shows} association to {one.link.shown}; plan again to check"
        one.task.worsen(Status.UNKNOWN, why)
        one.finish()


def _stays(one: WantedLink, found: Associations) -> bool:
    """Return whether a line item must not leave its parent, since it is not under the new one.

    What was read shows that where both parents are of one kind.
    """
    parent = one.task.change.parent
    if not one.leaves_parent or parent is None:
        return False
    there = {link.id for link in found.get(one.task.id, ())}
    has_left = one.to_id not in there
    is_shown = parent.kind != one.link.to or one.task.shown_parent in there
    if one.task.shown_parent and (is_shown or has_left):
        return False
    one.fail("it was not put under its new one")
    return True


def _is_elsewhere(context: ApplyContext, one: WantedLink, found: Associations) -> bool:
    """Return whether a new record is under another parent than the one it was created under.

    Then the id that HubSpot answered is another record's. The journal has that id already, so a new
    intent puts the write in doubt again, to be resolved by reading.
    """
    task = one.task
    parents = {link.id for link in found.get(task.id, ())}
    if not one.is_parent_link or not parents or one.to_id in parents:
        return False
    if context.identity(task.kind).key_property:
        return False  # its key was read together with its id, so somebody moved the record
    task.reject_id(
        f"HubSpot answered with record {task.id}, which belongs to {one.link.to} "
        f"{', '.join(sorted(parents))}; the next plan reads the record to find out"
    )
    context.journal.answered(context.journal.intend(task.kind.create, [task]), [task])
    return True
