"""Making and removing associations.

What stands is read again right before: HubSpot replaces the whole label set of a pair, so a label
that somebody added since planning must be in what is written. And it is read again afterwards: an
answer that says it is done proves nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconcile.applying.batch_send import send
from reconcile.applying.context import Tools
from reconcile.applying.fresh_recheck import Fresh, Withheld
from reconcile.applying.recheck_parents import recheck_unowned
from reconcile.applying.task import Item
from reconcile.applying.verify import WAITS
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.error_details import MAX_MESSAGE, together
from reconcile.hubspot.types import Answer, Pair, Refused, Written
from reconcile.model.address import Address
from reconcile.model.batches import LINKS_READ
from reconcile.model.kinds import Kind
from reconcile.model.outcome import Status
from reconcile.model.plan import LinkChange
from reconcile.model.records import AssociationTypes, Link, removable


@dataclass(slots=True)
class _Owed:
    """``plain`` is the pair's unlabelled type; ``along`` the same, where it comes with a label on a
    pair that had none.
    """

    item: Item
    link: LinkChange
    to_id: str
    plain: tuple[str, int]
    along: tuple[str, int] | None = None


def associate(tools: Tools, items: Sequence[Item], ids: Mapping[Address, str]) -> None:
    """Give every item the associations its change asks for. ``ids`` binds addresses."""
    by_pair: dict[tuple[str, str, bool], list[_Owed]] = defaultdict(list)
    kinds_by_name: dict[str, Kind] = {}
    for item in items:
        kinds_by_name[item.kind.name] = item.kind
        for link in (*item.change.links, *_parent_of_new(item, ids)):
            to_id = link.id or (ids.get(link.address, "") if link.address else "")
            if to_id:
                plain = ("HUBSPOT_DEFINED", item.kind.associations[link.to].type_id)
                by_pair[item.kind.name, link.to, link.add].append(_Owed(item, link, to_id, plain))
            else:
                _end_without(item, link, "it does not exist")
                item.unlinked -= link in item.change.links
    for (name, to, add), owed in sorted(by_pair.items(), key=lambda entry: entry[0]):
        for start in range(0, len(owed), LINKS_READ):
            tools.halt.look(items)
            batch = owed[start : start + LINKS_READ]
            if tools.halt.stopped:
                _see_places(tools, kinds_by_name[name], to, batch)
            else:
                _make(tools, kinds_by_name[name], to, batch, add=add)
    tools.halt.look(items)


def _parent_of_new(item: Item, ids: Mapping[Address, str]) -> Sequence[LinkChange]:
    """A new line item's parent: its create call made the association, or half of it."""
    parent = item.change.parent
    if item.change.id or parent is None:
        return ()
    association = item.kind.associations[parent.kind]
    return (
        LinkChange(
            add=True,
            to=association.to,
            id=item.change.parent_id or ids.get(parent, ""),
            address=parent,
            types=(("HUBSPOT_DEFINED", association.type_id),),
            shown=str(parent),
        ),
    )


def _make(tools: Tools, kind: Kind, to: str, owed: Sequence[_Owed], *, add: bool) -> None:
    with tools.hubspot.step(**_slots(kind, to, add=add)) as step:
        owed = [entry for entry in owed if entry.item.id]
        standing = _read(tools, kind, to, owed)
        owed = [entry for entry in owed if not _is_elsewhere(tools, entry, standing)]
        pairs: dict[str, tuple[_Owed, Pair]] = {}
        for entry, types in zip(owed, _due(owed, standing), strict=True):
            if types:
                name = tools.trace()
                pairs[name] = entry, Pair(name, entry.item.id, entry.to_id, types)
            else:
                _record(entry)
        if add and to in kind.parents and pairs:
            pairs = _of_nobody_else(tools, kind, pairs)
        if pairs:
            written = _send(tools, kind, to, pairs, step.replied, add=add)
            _confirm(tools, kind, to, written)


def _slots(kind: Kind, to: str, *, add: bool) -> Mapping[str, int]:
    """Return what a step takes: for who gives a line item to a parent, all its parents are read."""
    return {"associations": 2 + (len(kind.owners) if add and to in kind.parents else 0)}


def _see_places(tools: Tools, kind: Kind, to: str, owed: Sequence[_Owed]) -> None:
    """Read whether new line items are under their parents, where nothing more may be written."""
    owed = [entry for entry in owed if entry.item.id and _is_place(entry)]
    standing = _read(tools, kind, to, owed) if owed else {}
    for entry in owed:
        if not _is_elsewhere(tools, entry, standing) and not _shows(
            entry, _standing(entry, standing)
        ):
            _leave_open(entry)


def _is_place(entry: _Owed) -> bool:
    """Whether an association is the one that puts a new line item under its parent."""
    return entry.link not in entry.item.change.links


def _leave_open(entry: _Owed) -> None:
    """Leave a new line item to be found by reading: it is not where it was to be made."""
    why = f"written, and not seen under {entry.link.shown} before the run ended; plan again to see"
    entry.item.end(Status.UNKNOWN, why)
    entry.item.taken = False


def _read(
    tools: Tools, kind: Kind, to: str, owed: Sequence[_Owed]
) -> Mapping[str, frozenset[Link]]:
    """Read the associations that the records have now."""
    target = kind.associations[to].object
    return tools.hubspot.links(kind.object, to, target, [entry.item.id for entry in owed])


def _due(
    owed: Sequence[_Owed], standing: Mapping[str, frozenset[Link]], *, in_doubt: bool = False
) -> Iterator[tuple[tuple[str, int], ...]]:
    """Yield what to write for each pair, given what stands; nothing where it is as it should be."""
    for entry in owed:
        there = _standing(entry, standing)
        if not in_doubt:  # else what stands may be our own write
            made = entry.link.add and entry.link.ours and not there
            entry.along = entry.plain if made else None
        yield tuple(sorted(_types(entry.link, there, entry.plain)))


def _send(
    tools: Tools,
    kind: Kind,
    to: str,
    pairs: Mapping[str, tuple[_Owed, Pair]],
    read: float,
    *,
    add: bool,
) -> Sequence[_Owed]:
    """Write pairs that were looked at at a moment; those that HubSpot did not refuse."""
    target = kind.associations[to].object

    def call(hubspot: HubSpot, inputs: Sequence[Pair]) -> Mapping[str, Answer]:
        write = hubspot.associate if add else hubspot.dissociate
        return write(kind.object, target, inputs)

    def look_again(inputs: Sequence[Pair], in_doubt: bool) -> Sequence[Pair | Answer]:  # noqa: FBT001
        owed = [pairs[pair.trace][0] for pair in inputs]
        due = list(_due(owed, _read(tools, kind, to, owed), in_doubt=in_doubt))
        giving = add and to in kind.parents
        items = [entry.item for entry, types in zip(owed, due, strict=True) if types and giving]
        taken = recheck_unowned(tools.parents, kind, items)
        return [
            Withheld(taken[entry.item.change.address])
            if entry.item.change.address in taken
            else Pair(pair.trace, pair.from_id, pair.to_id, types)
            if types
            else Written(pair.from_id)
            for pair, entry, types in zip(inputs, owed, due, strict=True)
        ]

    fresh = Fresh(
        tools.hubspot, slots=_slots(kind, to, add=add), read=read, call=call, again=look_again
    )
    items = {id(entry.item): entry.item for entry, _ in pairs.values()}.values()
    number = tools.journal.intend("associate" if add else "dissociate", items)
    answers: dict[str, Answer] = {}
    written: list[_Owed] = []
    try:
        inputs = [pair for _, pair in pairs.values()]
        send(tools, fresh, inputs, answers, answered=fresh.answered)
    finally:
        tools.journal.answered(number, items)
        for name, answer in answers.items():
            entry, _ = pairs[name]
            if isinstance(answer, Withheld):
                entry.item.end(Status.CONFLICT, answer.message)
                _decide(entry)
            elif isinstance(answer, Refused):
                _end_without(entry.item, entry.link, answer.message)
                _decide(entry)
            else:
                written.append(entry)
        for entry in (entry for name, (entry, _) in pairs.items() if name not in answers):
            if _is_place(entry):
                _leave_open(entry)
    return written


def _end_without(item: Item, link: LinkChange, why: str) -> None:
    """End a record, which is there, without one of its associations; each one is named."""
    about = f"not associated with {link.shown}"
    if not link.add:
        about = f"still associated with {link.shown}"
    item.missing.append(f"{about}: {why}")
    item.end(Status.FAILED)
    if item.status is Status.FAILED:
        item.message = together(item.missing, longest=MAX_MESSAGE)


def _of_nobody_else(
    tools: Tools, kind: Kind, pairs: Mapping[str, tuple[_Owed, Pair]]
) -> dict[str, tuple[_Owed, Pair]]:
    """Leave out, in conflict, the line items that belong to another record by now."""
    taken = recheck_unowned(tools.parents, kind, [entry.item for entry, _ in pairs.values()])
    left: dict[str, tuple[_Owed, Pair]] = {}
    for name, (entry, pair) in pairs.items():
        if why := taken.get(entry.item.change.address):
            entry.item.end(Status.CONFLICT, why)
            _decide(entry)
        else:
            left[name] = entry, pair
    return left


def _confirm(tools: Tools, kind: Kind, to: str, written: Sequence[_Owed]) -> None:
    """Read back what was written. What does not show is read again after each of ``WAITS``."""
    target = kind.associations[to].object
    left = list(written)
    for wait in WAITS:
        if not left:
            return
        tools.sleep(wait)
        ids = list({entry.item.id: None for entry in left})
        standing = tools.hubspot.links(kind.object, to, target, ids)
        unseen: list[_Owed] = []
        for entry in left:
            if _shows(entry, _standing(entry, standing)):
                _record(entry)
            else:
                unseen.append(entry)
        left = unseen
    for entry in left:
        what = "an association to" if entry.link.add else "no end of the association to"
        message = f"HubSpot does not show {what} {entry.link.shown}; plan again to see"
        entry.item.end(Status.UNKNOWN, message)
        _decide(entry)


def _is_elsewhere(tools: Tools, entry: _Owed, standing: Mapping[str, frozenset[Link]]) -> bool:
    """Return whether a new record stands under another parent than the one it was made under.

    Then the id that HubSpot answered is another record's. The journal has it already: a new intent
    makes it one of those that are to be found by reading.
    """
    item = entry.item
    over = {link.id for link in standing.get(item.id, ())}
    if not _is_place(entry) or not over or entry.to_id in over:
        return False
    if tools.identity(item.kind).unique:
        return False  # its key was read with its id, so it is the one, and somebody moved it
    item.disown(
        f"HubSpot answered with record {item.id}, which belongs to {entry.link.to} "
        f"{', '.join(sorted(over))}; the next plan finds out by reading"
    )
    tools.journal.answered(tools.journal.intend(item.kind.create, [item]), [item])
    return True


def _standing(entry: _Owed, standing: Mapping[str, frozenset[Link]]) -> AssociationTypes:
    return frozenset(
        (link.category, link.type_id)
        for link in standing.get(entry.item.id, frozenset())
        if link.id == entry.to_id
    )


def _shows(entry: _Owed, there: AssociationTypes) -> bool:
    if entry.link.add:
        return frozenset(entry.link.ours or entry.link.types) <= there
    return not removable(frozenset(entry.link.types), there, entry.plain)


def _types(link: LinkChange, there: AssociationTypes, plain: tuple[str, int]) -> AssociationTypes:
    """What to write for the pair; nothing where it is as it should be."""
    if not link.add:
        return removable(frozenset(link.types), there, plain)
    wanted = frozenset(link.ours or link.types)
    return frozenset() if wanted <= there else wanted | there


def _decide(entry: _Owed) -> None:
    entry.item.unlinked -= entry.link in entry.item.change.links


def _record(entry: _Owed) -> None:
    """Remember what now stands, or no longer stands, of ours."""
    _decide(entry)
    types = set(entry.link.ours if entry.link.add else entry.link.types)
    if entry.along:
        types.add(entry.along)
    links = {Link(entry.link.to, entry.to_id, number, category) for category, number in types}
    if entry.link.add:
        entry.item.links |= links
    else:
        entry.item.links -= links
