"""After creating: does each id that HubSpot answered belong to the record it was answered for?

Nothing is built on an id before that is read: no line items, no associations, no entry in the
state. The reading serves the verification at the end of the slice too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconcile.applying.entries import Entries
from reconcile.applying.existing import existing, sought
from reconcile.applying.item import Item
from reconcile.applying.tools import Tools
from reconcile.applying.verify import WAITS, to_read
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.writes import Answer, Unclear, Written
from reconcile.model.address import fold
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.plan import RecordChange
from reconcile.model.records import Actual


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
    id is another record's, the right one is looked for; if it is not found, the answer becomes
    Unclear. Raises ApiError.
    """
    identity = tools.identity(kind)
    names = to_read(tools, kind, [item.change for item in items.values()])
    claims = {t: answer for t in items if isinstance(answer := answers.get(t), Written)}
    shown: dict[str, Actual] = {}
    for wait in WAITS:
        if not claims:
            return
        tools.sleep(wait)
        shown |= tools.hubspot.read(kind.object, [claim.id for claim in claims.values()], names)
        for trace, claim in list(claims.items()):
            actual = shown.get(claim.id)
            if actual is not None and carries(items[trace].change, identity, actual):
                items[trace].seen = actual
                del claims[trace]
        others = {item.seen.id for item in items.values() if item.seen}.union(owned)
        left = {trace: items[trace] for trace in claims}
        for trace, actual in _search(tools, kind, left, names, others).items():
            items[trace].seen = actual
            answers[trace] = replace(claims.pop(trace), id=actual.id)
    for trace, claim in claims.items():
        if (actual := shown.get(claim.id)) is None:
            continue
        if began_with(tools.hubspot, tools.entries, items[trace].change, actual):
            items[trace].seen = actual
        else:
            why = f"HubSpot answered with record {claim.id}, whose {identity.name} is another"
            answers[trace] = Unclear(why)


def carries(change: RecordChange, identity: Identity, actual: Actual) -> bool:
    """Whether a reading shows the value by which a new record is told from others."""
    value = sought(change, identity, "").value
    return fold(actual.properties.get(identity.name) or "") == fold(value)


def began_with(hubspot: HubSpot, entries: Entries, change: RecordChange, actual: Actual) -> bool:
    """Whether a record was made with that value, and somebody has changed it since."""
    kind, name = change.address.kind, entries.identities[change.address.kind].name
    history = hubspot.history(kinds()[kind].object, actual.id, [name])
    made = replace(change, fields=tuple(field for field in change.fields if field.name == name))
    return entries.was_born_as(made, history)


def _search(
    tools: Tools,
    kind: Kind,
    items: Mapping[str, Item],
    names: Sequence[str],
    others: Collection[str],
) -> dict[str, Actual]:
    """The records that these items can be, by key or under their parents, as far as it is one."""
    if not items:
        return {}
    identity = tools.identity(kind)
    wanted = [sought(item.change, identity, item.parent_id) for item in items.values()]
    found = existing(tools.hubspot, kind, identity, wanted, names, owned=others)
    return {trace: there[0] for trace, there in zip(items, found, strict=True) if len(there) == 1}
