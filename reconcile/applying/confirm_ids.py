"""Confirm that each id in the response to a create belongs to the record that was sent.

No line item, association or state entry uses an id before a read has confirmed it. That read also
serves the verification at the end of the slice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconcile.applying.context import ApplyContext
from reconcile.applying.created_records import lookup_of
from reconcile.applying.rereads import until_shown
from reconcile.applying.state_entries import Entries
from reconcile.applying.task import ChangeTask
from reconcile.applying.verify import to_read
from reconcile.fetching.find import find
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Answer, Unclear, Written
from reconcile.model.address import fold
from reconcile.model.kinds import Kind, kinds
from reconcile.model.plan import Effect
from reconcile.model.records import Actual
from reconcile.model.values import same


def confirm(
    context: ApplyContext,
    kind: Kind,
    tasks: Mapping[str, ChangeTask],
    answers: dict[str, Answer],
    *,
    planned_ids: Collection[str] = (),
) -> None:
    """Read created records by the ids in their answers, and correct the answers that are wrong.

    ``tasks`` and ``answers`` are by trace; ``planned_ids`` are the ids of other records of the
    plan. A task whose id is confirmed gets its reading as ``seen``; one whose record HubSpot does
    not show yet gets none. If the answer is Unclear, or its id is another record's, the right
    record is looked for, which is safe because none of them existed before the call. A record that
    is not found is Unclear. Raises HubSpotError if HubSpot refuses to be read.
    """
    identity = context.identity(kind)
    names = to_read(context, kind, [(task.change, task.refresh) for task in tasks.values()])
    claims = {t: answer for t in tasks if isinstance(answer := answers.get(t), Written)}
    left = {t: task for t, task in tasks.items() if isinstance(answers.get(t), Written | Unclear)}
    shown: dict[str, Actual] = {}
    refuted: set[str] = set()

    def read(_: Sequence[str]) -> Sequence[str]:
        ids = [claims[trace].id for trace in left.keys() & claims.keys() - refuted]
        shown.update(context.hubspot.records.read(kind.object, ids, names) if ids else {})
        for trace, claim in claims.items():
            actual = shown.get(claim.id)
            if (
                trace in left
                and actual
                and shows_identity_value(context.entries, tasks[trace].change, actual)
            ):
                left.pop(trace).seen = actual
        others = {task.seen.id for task in tasks.values() if task.seen}.union(planned_ids)
        for trace, actual in find_created(context, kind, left, others, names).items():
            left.pop(trace).seen = actual
            answers[trace] = replace(claims.get(trace, Written("")), id=actual.id)
        for trace in left.keys() & claims.keys() - refuted:
            if (actual := shown.get(claims[trace].id)) is None:
                continue
            if was_created_with_key(context.hubspot, context.entries, left[trace].change, actual):
                left.pop(trace).seen = actual
            else:
                refuted.add(trace)
                why = f"HubSpot answered with record {actual.id}, whose {identity.name} is another"
                answers[trace] = Unclear(why)
        return list(left)

    until_shown(list(left), read, context.sleep)


def shows_identity_value(entries: Entries, change: Effect, actual: Actual) -> bool:
    """Return whether a record has the identity value that a create sent.

    Return True if the account no longer has the identity property.
    """
    identity = entries.identities[change.address.kind]
    definition = entries.definitions.properties[change.address.kind].get(identity.name)
    if definition is None:
        return True
    value, shown = lookup_of(change, identity, "").value, actual.properties.get(identity.name) or ""
    return fold(shown) == fold(value) or same(shown, value, definition)


def was_created_with_key(
    hubspot: HubSpot, entries: Entries, change: Effect, actual: Actual
) -> bool:
    """Return whether a record's first identity value is the one that a create sent."""
    kind, name = change.address.kind, entries.identities[change.address.kind].name
    history = hubspot.records.history(kinds()[kind].object, actual.id, [name])
    made = replace(change, fields=tuple(field for field in change.fields if field.name == name))
    return entries.matches_initial_values(made, history)


def find_created(
    context: ApplyContext,
    kind: Kind,
    tasks: Mapping[str, ChangeTask],
    others: Collection[str],
    names: Sequence[str] = (),
) -> dict[str, Actual]:
    """Return the created records by trace, found by key or under their parent.

    A task for which several records qualify is left out.
    """
    if not tasks:
        return {}
    identity = context.identity(kind)
    wanted = [lookup_of(task.change, identity, task.parent_id) for task in tasks.values()]
    found = find(context.hubspot, kind, identity, wanted, names, without=others)
    return {trace: there[0] for trace, there in zip(tasks, found, strict=True) if len(there) == 1}
