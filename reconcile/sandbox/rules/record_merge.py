"""Merging two records into a new one, which keeps their values and associations (ref §8)."""

from collections.abc import Mapping

from reconcile.sandbox.api_errors import invalid
from reconcile.sandbox.object_types import CONTACT, ObjectType
from reconcile.sandbox.rules import record_writes
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.rules.record_lookup import by_id
from reconcile.sandbox.storage import association_tables, record_tables
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.storage.database_file import next_id
from reconcile.sandbox.storage.record_tables import Record


def merge(call: Call, kind: ObjectType, primary_id: str, secondary_id: str) -> Record:
    """Merge two records into a new one; the primary one's values take precedence (ref §8, M)."""
    primary = _to_merge(call, kind, primary_id)
    secondary = _to_merge(call, kind, secondary_id)
    if primary.id == secondary.id:
        raise invalid(f"Object {primary.id} cannot be merged with itself")
    set_values = {name: value for name, value in primary.properties.items() if value}
    properties = {**secondary.properties, **set_values}
    former = [secondary.properties.get("hs_merged_object_ids", ""), str(secondary.id)]
    former += [primary.properties.get("hs_merged_object_ids", ""), str(primary.id)]
    properties["hs_merged_object_ids"] = ";".join(part for part in former if part)
    if kind is CONTACT:
        properties |= _secondary_emails(properties, secondary)
    created = min(primary.created_at, secondary.created_at)
    merged = Record(kind.id, next_id(call.connection), properties, created, call.now)
    for old in (primary, secondary):
        record_tables.replace_merged(call.connection, old, merged.id, call.now)
        ends = End(kind.id, old.id), End(kind.id, merged.id)
        association_tables.move(call.connection, *ends, call.now)
    record_writes.claim_unique(call, kind, merged)
    record_tables.insert(call.connection, merged)
    return merged


def _secondary_emails(properties: Mapping[str, str], secondary: Record) -> dict[str, str]:
    """Keep the addresses of a contact that is merged into another one (ref §18, M)."""
    found = [
        *record_writes.secondary_emails(properties),
        secondary.properties.get("email", ""),
        *record_writes.secondary_emails(secondary.properties),
    ]
    kept = dict.fromkeys(one for one in found if one not in {"", properties.get("email")})
    return {record_writes.SECONDARY_EMAILS: ";".join(kept)} if kept else {}


def _to_merge(call: Call, kind: ObjectType, text: str) -> Record:
    record = by_id(call, kind, text, follow_merge=False)
    if record is None:
        raise invalid(f"Object {text} cannot be merged: it does not exist", id=[text])
    return record
