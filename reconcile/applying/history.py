"""Use property history to explain a write: what it overwrote, and what came after it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reconcile.applying.entries import Entries
from reconcile.applying.item import Item
from reconcile.applying.rewrites import History
from reconcile.applying.tools import Tools
from reconcile.errors import ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.plan import FieldChange, RecordChange
from reconcile.model.records import Actual, Version
from reconcile.model.values import same


def tell_overwritten(tools: Tools, item: Item, record_id: str) -> None:
    """Add to a conflict what stood in the record that was written over by mistake."""
    fields = [field for field in item.change.fields if not field.personal]
    definitions = tools.properties(item.kind)
    found = _read(tools, item, record_id, fields)
    former = [
        f"{field.name} was {versions[1].value!r}"
        for field in fields
        if len(versions := found.get(field.name, ())) > 1
        and not same(versions[1].value, field.after, definitions[field.name])
    ]
    if former:
        item.message = f"{item.message}: {'; '.join(former)}"


def _read(
    tools: Tools, item: Item, record_id: str, fields: Sequence[FieldChange]
) -> Mapping[str, Sequence[Version]]:
    """The history, or nothing where HubSpot refuses to tell it: it only explains."""
    try:
        return tools.hubspot.history(item.kind.object, record_id, [field.name for field in fields])
    except (AuthError, RateLimited, Unreachable):
        raise
    except ApiError:
        return {}


def read_histories(
    hubspot: HubSpot, entries: Entries, found: Iterable[tuple[RecordChange, Actual]]
) -> dict[Address, History]:
    """Read the history of every value that was written and reads back as something else.

    A record that HubSpot shows no history of is left out.
    """
    ids: dict[str, dict[str, Address]] = defaultdict(dict)
    names: dict[str, set[str]] = defaultdict(set)
    for change, actual in found:
        if unlike := entries.unlike(change, actual):
            ids[change.address.kind][actual.id] = change.address
            names[change.address.kind].update(unlike)
    histories: dict[Address, History] = {}
    for kind, by_id in ids.items():
        object_ = kinds()[kind].object
        try:
            there = hubspot.histories(object_, list(by_id), sorted(names[kind]))
        except (AuthError, RateLimited, Unreachable):
            raise
        except ApiError:
            continue
        histories |= {by_id[record_id]: history for record_id, history in there.items()}
    return histories
