"""Making and removing associations.

What stands is read again first: HubSpot replaces the whole label set of a pair, so a label that
somebody added since planning must be in what is written.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from reconcile.applying.item import Item, Tools
from reconcile.applying.sending import send
from reconcile.hubspot.writes import Answer, Pair, Refused, Written
from reconcile.model.address import Address
from reconcile.model.kinds import Kind
from reconcile.model.outcome import Status
from reconcile.model.plan import LinkChange
from reconcile.model.records import AssociationTypes, Link, removable

BATCH = 1000
"""Pairs a call: the read endpoint's limit, the smaller of the two (reference §3)."""


@dataclass(slots=True)
class _Owed:
    """``along`` is the plain type, where it comes with a label on a pair that had none."""

    item: Item
    link: LinkChange
    to_id: str
    along: tuple[str, int] | None = None


def associate(
    tools: Tools, items: Sequence[Item], ids: Mapping[Address, str], trace: Callable[[], str]
) -> None:
    """Give every item the associations its change asks for. ``ids`` binds addresses."""
    by_pair: dict[tuple[str, str, bool], list[_Owed]] = defaultdict(list)
    kinds_by_name: dict[str, Kind] = {}
    for item in items:
        kinds_by_name[item.kind.name] = item.kind
        for link in (*item.change.links, *_parent_of_new(item, ids)):
            to_id = link.id or (ids.get(link.address, "") if link.address else "")
            if to_id:
                by_pair[item.kind.name, link.to, link.add].append(_Owed(item, link, to_id))
            else:
                item.end(Status.FAILED, f"not associated: {link.shown} does not exist")
                item.unlinked -= link in item.change.links
    for (name, to, add), owed in sorted(by_pair.items(), key=lambda entry: entry[0]):
        for start in range(0, len(owed), BATCH):
            batch = owed[start : start + BATCH]
            _make(tools, kinds_by_name[name], to, batch, trace, add=add)


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


def _make(
    tools: Tools,
    kind: Kind,
    to: str,
    owed: Sequence[_Owed],
    trace: Callable[[], str],
    *,
    add: bool,
) -> None:
    target = kind.associations[to].object
    plain = ("HUBSPOT_DEFINED", kind.associations[to].type_id)
    standing = tools.hubspot.links(kind.object, to, target, [entry.item.id for entry in owed])
    pairs: dict[str, tuple[_Owed, Pair]] = {}
    for entry in owed:
        there = frozenset(
            (link.category, link.type_id)
            for link in standing.get(entry.item.id, frozenset())
            if link.id == entry.to_id
        )
        types = _types(entry.link, there, plain)
        if add and entry.link.ours and not there:
            entry.along = plain
        if types:
            name = trace()
            pairs[name] = entry, Pair(name, entry.item.id, entry.to_id, tuple(sorted(types)))
        else:
            _record(entry)
    if not pairs:
        return
    call = tools.hubspot.associate if add else tools.hubspot.dissociate
    answers: dict[str, Answer] = {}
    try:
        send(partial(call, kind.object, target), [pair for _, pair in pairs.values()], answers)
    finally:
        for name, answer in answers.items():
            entry, _ = pairs[name]
            if isinstance(answer, Written):
                _record(entry)
            else:
                status = Status.FAILED if isinstance(answer, Refused) else Status.UNKNOWN
                entry.item.end(status, f"{entry.link.shown}: {answer.message}")
                _decide(entry)


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
