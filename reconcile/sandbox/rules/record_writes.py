"""Changing one record: uniqueness, calculated values, what the answer echoes (ref §5, §7, §12)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from reconcile.sandbox.api_errors import VALIDATION, ApiError, fields_missing, invalid_json
from reconcile.sandbox.object_types import BY_ID, CONTACT, LINE_ITEM, PRODUCT, ObjectType
from reconcile.sandbox.rules import recalculation
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.rules.calculated_properties import compute
from reconcile.sandbox.rules.property_checks import Change
from reconcile.sandbox.storage import pipeline_tables, record_tables
from reconcile.sandbox.storage.database_file import next_id
from reconcile.sandbox.storage.property_table import Definition
from reconcile.sandbox.storage.record_tables import Record

SECONDARY_EMAILS = "hs_additional_emails"

_COPIED_FROM_PRODUCT = (
    "name",
    "description",
    "price",
    "hs_sku",
    "hs_cost_of_goods_sold",
    "hs_images",
    "hs_url",
    "hs_product_type",
    "hs_recurring_billing_period",
    "recurringbillingfrequency",
    "tax",
)


@dataclass(frozen=True)
class Written:
    """A record after a write, and what its answer shows: the values as they were sent."""

    record: Record
    echo: Mapping[str, str]
    new: bool = False


def create(
    call: Call, kind: ObjectType, sent: Mapping[str, Any], record_id: int | None = None
) -> Written:
    """Create a record, or revive an archived one that has a unique value of it (a switch)."""
    checked = Change(call, kind, sent, {}).check()
    archived = _to_revive(call, kind, checked.stored)
    if archived is not None:
        claim_unique(call, kind, archived)
        return update(call, kind, record_tables.restore(call.connection, archived, call.now), sent)
    properties = {name: value for name, value in checked.stored.items() if value}
    source, _, which = call.source.partition(" ")
    properties |= {"hs_object_source": source, "hs_object_source_label": source}
    if which:
        properties["hs_object_source_id"] = which.partition(" ")[0]
    if kind is LINE_ITEM:
        _copy_product(call, properties, checked.stored)
    properties = _with_computed(call, kind, properties)
    fresh = next_id(call.connection) if record_id is None else record_id
    record = Record(kind.id, fresh, properties, call.now, call.now)
    claim_unique(call, kind, record)
    record_tables.insert(call.connection, record)
    record_tables.count_created(call.connection, kind.id)
    recalculation.schedule(call, kind, record)
    return Written(record, checked.echo, new=True)


def update(call: Call, kind: ObjectType, record: Record, sent: Mapping[str, Any]) -> Written:
    """Change a record; when nothing differs its updatedAt stays (ref §6, M)."""
    checked = Change(call, kind, sent, record.properties).check()
    properties = dict(record.properties)
    for name, value in checked.stored.items():
        if value or name in properties:
            properties[name] = value
    if kind is LINE_ITEM and checked.stored.get("hs_product_id"):
        _copy_product(call, properties, checked.stored)
    properties = _with_computed(call, kind, properties)
    if properties == record.properties:
        return Written(record, checked.echo)
    changed = record.changed(properties, max(call.now, record.updated_at + 1))
    claim_unique(call, kind, changed, former=record.properties)
    record_tables.update(call.connection, changed, by=call.source)
    recalculation.schedule(call, kind, changed)
    return Written(changed, checked.echo)


def sent_properties(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the ``properties`` of an input, which must be an object."""
    properties = body.get("properties")
    if properties is None:
        raise fields_missing("properties")
    if not isinstance(properties, dict):
        raise invalid_json("Cannot deserialize value of type `LinkedHashMap`")
    return properties


def is_key(definition: Definition | None, kind: ObjectType) -> bool:
    """Return whether a property may serve as idProperty (ref §5, §6, H)."""
    if definition is None:
        return False
    return definition.unique or (kind is CONTACT and definition.name == "email")


def comparable(call: Call, kind: ObjectType, name: str, value: str) -> str:
    """Return the form in which a key's values are compared; emails ignore case."""
    if kind is CONTACT and name == "email":
        return value.strip().lower()
    return record_tables.unique_key(value, call.switches)


def _copy_product(call: Call, properties: dict[str, str], sent: Mapping[str, str]) -> None:
    """Copy unsent values from the product; its later edits do not follow (ref §9, M)."""
    product_id = properties.get("hs_product_id", "")
    if not product_id.isdecimal():
        return
    product = record_tables.find(call.connection, PRODUCT.id, int(product_id))
    if product is None:
        return
    for name in _COPIED_FROM_PRODUCT:
        value = product.properties.get(name)
        if value and name not in sent:
            properties[name] = value


def _with_computed(call: Call, kind: ObjectType, properties: dict[str, str]) -> dict[str, str]:
    """Return the properties with those calculations updated that are not postponed."""
    fresh = recomputed(call, kind, properties)
    if not recalculation.postpones(kind, call.switches):
        return fresh
    late = recalculation.HOME_CURRENCY
    kept = {name: properties[name] for name in late if name in properties}
    return {name: value for name, value in fresh.items() if name not in late} | kept


def recomputed(call: Call, kind: ObjectType, properties: Mapping[str, str]) -> dict[str, str]:
    """Return the properties with all of HubSpot's calculations updated."""

    def is_closed(stage: str) -> bool:
        return pipeline_tables.is_closed(call.connection, kind.id, stage)

    computed = compute(kind.id, properties, call.switches, is_closed)
    # A null among the computed values removes one; others keep what they have.
    kept = {name: value for name, value in properties.items() if computed.get(name, "") is not None}
    return kept | {name: value for name, value in computed.items() if value is not None}


def claim_unique(
    call: Call, kind: ObjectType, record: Record, former: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Claim a record's unique values. Raise ApiError if another record has one.

    ``former`` holds the properties whose values the record has claimed before.
    """
    keys = _claims(call, kind, record.properties)
    if keys == _claims(call, kind, former):
        return
    reserves = call.switches.archived_unique_value == "reserved"
    for name, key in keys:
        for other, archived in record_tables.holders(call.connection, kind.id, name, key):
            if other != record.id and (reserves or not archived):
                raise _conflict(call, record, name, other)
    record_tables.set_unique(call.connection, kind.id, record.id, keys)


def unique_keys(call: Call, kind: ObjectType, properties: Mapping[str, str]) -> dict[str, str]:
    """Return the unique values among properties, in the form in which they are compared."""
    definitions = call.definitions(kind.id)
    return {
        name: comparable(call, kind, name, value)
        for name, value in properties.items()
        if value and is_key(definitions.get(name), kind)
    }


def _claims(call: Call, kind: ObjectType, properties: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the keys of a record: its unique values, a contact's other addresses (ref §18)."""
    keys = list(unique_keys(call, kind, properties).items())
    if kind is CONTACT and call.switches.secondary_emails_find_contacts:
        keys += [("email", one) for one in secondary_emails(properties)]
    return list(dict.fromkeys(keys))


def secondary_emails(properties: Mapping[str, str]) -> list[str]:
    """Return a contact's secondary addresses."""
    listed = properties.get(SECONDARY_EMAILS, "").split(";")
    return [one.strip().lower() for one in listed if one.strip()]


def _to_revive(call: Call, kind: ObjectType, stored: Mapping[str, str]) -> Record | None:
    """Return the archived record that a create revives, if the account does so."""
    if call.switches.archived_unique_value != "revives":
        return None
    for name, key in unique_keys(call, kind, stored).items():
        found = list(record_tables.holders(call.connection, kind.id, name, key))
        if found and all(archived for _, archived in found):
            return record_tables.find(call.connection, kind.id, found[0][0], archived=True)
    return None


def _conflict(call: Call, record: Record, name: str, owner: int) -> ApiError:
    """Return the error of a conflict: 400, for a contact's email 409 (ref §5, H)."""
    kind = BY_ID[record.type_id]
    value = record.properties[name]
    if kind is CONTACT and name == "email":
        return _EmailConflictError(owner)
    extra: dict[str, Any] = {}
    if call.switches.unique_conflict_has_tokens:
        extra = {
            "errorType": "UNIQUE_VALUE_CONFLICT",
            "errorTokens": {
                "existingObjectId": [str(owner)],
                "objectId": [str(record.id)],
                "propertyName": [name],
                "conflictingValue": [value],
            },
        }
    return ApiError(
        400,
        f"Cannot set PropertyValueCoordinates{{portalId={call.portal_id}, "
        f"objectTypeId=ObjectTypeId{{legacyObjectType={kind.legacy_name}}}, "
        f"propertyName={name}, value={value}}} on {record.id}. "
        f"{owner} already has that value.",
        category=VALIDATION,
        extra=extra,
    )


class _EmailConflictError(ApiError):
    """A contact's email is taken: alone the id is in the message, in a 207 in the context too."""

    def __init__(self, owner: int) -> None:
        super().__init__(409, f"Contact already exists. Existing ID: {owner}", category="CONFLICT")
        self.owner = owner

    def item(self, trace_id: str | None = None) -> dict[str, Any]:
        item = super().item(trace_id)
        item["context"] = {"existingId": [str(self.owner)], **item.get("context", {})}
        return item
