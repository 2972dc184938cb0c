"""After creating: does each id that HubSpot answered belong to the record it was answered for?

Nothing is built on an id before that is read: no line items, no associations, no entry in the
state. The reading serves the verification at the end of the slice too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconcile.applying.context import Tools
from reconcile.applying.created_records import existing, sought
from reconcile.applying.state_entries import Entries
from reconcile.applying.task import Item
from reconcile.applying.verify import WAITS, to_read
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Answer, Unclear, Written
from reconcile.model.address import fold
from reconcile.model.kinds import Kind, kinds
from reconcile.model.plan import RecordChange
from reconcile.model.records import Actual
from reconcile.model.values import same


def confirm(
    tools: Tools,
    kind: Kind,
    items: Mapping[str, Item],
    answers: dict[str, Answer],
    *,
    owned: Collection[str] = (),
) -> None:
    """Read new records by the ids in their answers, and correct the answers that are wrong.

    ``items`` and ``answers`` are by trace, ``owned`` the ids of other records of the plan. An item
    whose id is confirmed gets its reading; one that HubSpot does not show yet gets none. Where the
    answer is Unclear, or its id is another record's, the right one is looked for: none of them was
    there before the call. What is not found is Unclear in the end. Raises ApiError.
    """
    identity = tools.identity(kind)
    names = to_read(tools, kind, [item.change for item in items.values()])
    claims = {t: answer for t in items if isinstance(answer := answers.get(t), Written)}
    left = {t: item for t, item in items.items() if isinstance(answers.get(t), Written | Unclear)}
    shown: dict[str, Actual] = {}
    refuted: set[str] = set()
    for wait in WAITS:
        if not left:
            return
        tools.sleep(wait)
        ids = [claims[trace].id for trace in left.keys() & claims.keys() - refuted]
        shown |= tools.hubspot.read(kind.object, ids, names) if ids else {}
        for trace, claim in claims.items():
            actual = shown.get(claim.id)
            if trace in left and actual and carries(tools.entries, items[trace].change, actual):
                left.pop(trace).seen = actual
        others = {item.seen.id for item in items.values() if item.seen}.union(owned)
        for trace, actual in find_made(tools, kind, left, others, names).items():
            left.pop(trace).seen = actual
            answers[trace] = replace(claims.get(trace, Written("")), id=actual.id)
        for trace in left.keys() & claims.keys() - refuted:
            if (actual := shown.get(claims[trace].id)) is None:
                continue
            if began_with(tools.hubspot, tools.entries, left[trace].change, actual):
                left.pop(trace).seen = actual
            else:
                refuted.add(trace)
                why = f"HubSpot answered with record {actual.id}, whose {identity.name} is another"
                answers[trace] = Unclear(why)


def carries(entries: Entries, change: RecordChange, actual: Actual) -> bool:
    """Return whether a reading shows the value that identifies the record of a creation.

    Without the property, nothing speaks against it.
    """
    identity = entries.identities[change.address.kind]
    definition = entries.definitions.properties[change.address.kind].get(identity.name)
    if definition is None:
        return True
    value, shown = sought(change, identity, "").value, actual.properties.get(identity.name) or ""
    return fold(shown) == fold(value) or same(shown, value, definition)


def began_with(hubspot: HubSpot, entries: Entries, change: RecordChange, actual: Actual) -> bool:
    """Return whether a record was made with that value, which somebody has changed since."""
    kind, name = change.address.kind, entries.identities[change.address.kind].name
    history = hubspot.history(kinds()[kind].object, actual.id, [name])
    made = replace(change, fields=tuple(field for field in change.fields if field.name == name))
    return entries.was_born_as(made, history)


def find_made(
    tools: Tools,
    kind: Kind,
    items: Mapping[str, Item],
    others: Collection[str],
    names: Sequence[str] = (),
) -> dict[str, Actual]:
    """Return the record of each item, by key or under its parent, where exactly one can be it."""
    if not items:
        return {}
    identity = tools.identity(kind)
    wanted = [sought(item.change, identity, item.parent_id) for item in items.values()]
    found = existing(tools.hubspot, kind, identity, wanted, names, owned=others)
    return {trace: there[0] for trace, there in zip(items, found, strict=True) if len(there) == 1}
