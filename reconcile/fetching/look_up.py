"""Look up records by id, whatever became of them."""

from collections.abc import Mapping, Sequence

from reconcile.hubspot.client import HubSpot
from reconcile.model.kinds import Kind
from reconcile.model.records import Actual, Missing


def look_up(
    hubspot: HubSpot, kind: Kind, ids: Sequence[str], properties: Sequence[str]
) -> Mapping[str, Actual | Missing]:
    """Return the record with each id, or that it is archived, merged or gone."""
    found: dict[str, Actual | Missing] = {**hubspot.records.read(kind.object, ids, properties)}
    rest = [record_id for record_id in ids if record_id not in found]
    archived = hubspot.records.read(kind.object, rest, properties, archived=True) if rest else {}
    for record_id in rest:
        if record_id in archived:
            found[record_id] = Missing(record_id, "archived")
            continue
        # Only the single read follows a merged record's former id (reference §8).
        now = hubspot.records.get(kind.object, record_id, properties)
        if now is None:
            found[record_id] = Missing(record_id, "gone")
        elif now.id == record_id:
            found[record_id] = now
        else:
            found[record_id] = Missing(record_id, "merged", into=now.id)
    return found
