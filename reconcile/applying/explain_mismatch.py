"""Read the property history that explains an unexpected value after a write."""

from collections import defaultdict
from collections.abc import Iterable

from reconcile.applying.rewrites import History
from reconcile.applying.state_entries import Entries
from reconcile.errors import CallRefused
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.plan import Effect
from reconcile.model.records import Actual


def read_histories(
    hubspot: HubSpot, entries: Entries, found: Iterable[tuple[Effect, Actual]]
) -> dict[Address, History]:
    """Return the history of every written value that reads back differently, by address.

    A record whose history HubSpot does not show is left out.
    """
    ids: dict[str, dict[str, Address]] = defaultdict(dict)
    names: dict[str, set[str]] = defaultdict(set)
    for change, actual in found:
        if unlike := entries.mismatches(change, actual):
            ids[change.address.kind][actual.id] = change.address
            names[change.address.kind].update(unlike)
    histories: dict[Address, History] = {}
    for kind, by_id in ids.items():
        object_ = kinds()[kind].object
        try:
            there = hubspot.records.histories(object_, list(by_id), sorted(names[kind]))
        except CallRefused:
            continue
        histories |= {by_id[record_id]: history for record_id, history in there.items()}
    return histories
