"""The shapes of bodies, by name; fields may be added to any of them (ref §1).

Written for checking the sandbox's answers: what is required here is always there.
"""

from typing import Any

Shape = dict[str, Any]

TEXT: Shape = {"type": "string"}
WHOLE: Shape = {"type": "integer"}
FLAG: Shape = {"type": "boolean"}
INSTANT: Shape = {"type": "string", "format": "date-time"}
ID: Shape = {"type": "string", "pattern": "^[0-9]+$"}
SENT_ID: Shape = {"type": ["string", "integer"]}


def ref(name: str) -> Shape:
    """Return a reference to a named shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(required: dict[str, Shape], optional: dict[str, Shape] | None = None) -> Shape:
    """Return the schema of an object."""
    fields = {**required, **(optional or {})}
    return {"type": "object", "properties": fields, "required": sorted(required)}


def listed(shape: Shape) -> Shape:
    """Return the schema of a list."""
    return {"type": "array", "items": shape}


def mapped(shape: Shape) -> Shape:
    """Return the schema of an object with arbitrary names."""
    return {"type": "object", "additionalProperties": shape}


def collection(name: str) -> Shape:
    """Return the schema of a list's or page's answer."""
    return record({"results": listed(ref(name))}, {"paging": ref("Paging"), "total": WHOLE})


def batch(name: str) -> Shape:
    """Return the schema of a batch's answer, complete or partial (ref §1, §4)."""
    return record(
        {
            "status": {"enum": ["COMPLETE"]},
            "results": listed(ref(name)),
            "startedAt": INSTANT,
            "completedAt": INSTANT,
        },
        {"numErrors": WHOLE, "errors": listed(ref("StandardError"))},
    )


def inputs(shape: Shape) -> Shape:
    """Return the schema of a batch's body."""
    return record({"inputs": listed(shape)})


_CONTEXT = mapped(listed(TEXT))
_PROPERTIES = mapped({"type": ["string", "number", "boolean", "null"]})
_SPEC = record({"associationCategory": TEXT, "associationTypeId": WHOLE})
_LINK_TO = record({"to": record({"id": SENT_ID}), "types": listed(_SPEC)})
_CREATE = record(
    {"properties": _PROPERTIES},
    {"associations": listed(_LINK_TO), "objectWriteTraceId": TEXT},
)
_ONE = record({"id": SENT_ID})
_NAMED = record({"name": TEXT})
_OPTION = record(
    {"label": TEXT, "value": TEXT}, {"displayOrder": WHOLE, "hidden": FLAG, "description": TEXT}
)
_DEFINITION = record(
    {"name": TEXT, "label": TEXT, "type": TEXT, "fieldType": TEXT, "groupName": TEXT},
    {"options": listed(_OPTION), "hasUniqueValue": FLAG, "hidden": FLAG, "displayOrder": WHOLE},
)
_OBJECT = {
    "id": ID,
    "properties": mapped({"type": ["string", "null"]}),
    "createdAt": INSTANT,
    "updatedAt": INSTANT,
    "archived": FLAG,
}
_STAGE_FIELDS = {"label": TEXT, "displayOrder": WHOLE, "metadata": mapped(TEXT)}
_STAGE = record(_STAGE_FIELDS, {"stageId": TEXT})
_PIPELINE_FIELDS = {"label": TEXT, "displayOrder": WHOLE, "stages": listed(_STAGE)}
_LINKED = record({"toObjectId": WHOLE, "associationTypes": listed(ref("LabelledType"))})

SHAPES: dict[str, Shape] = {
    # Errors and pages
    "Error": record(
        {"status": {"const": "error"}, "message": TEXT, "correlationId": TEXT},
        {"category": TEXT, "subCategory": TEXT, "context": _CONTEXT, "errors": listed(mapped({}))},
    ),
    "StandardError": record(
        {"status": TEXT, "category": TEXT, "message": TEXT},
        {"subCategory": TEXT, "context": _CONTEXT},
    ),
    "Paging": record({"next": record({"after": TEXT}, {"link": TEXT})}),
    # Records
    "Object": record(_OBJECT, {"archivedAt": INSTANT, "associations": mapped({})}),
    "Upserted": record({**_OBJECT, "new": FLAG}),
    "Objects": collection("Object"),
    "ObjectBatch": batch("Object"),
    "UpsertedBatch": batch("Upserted"),
    "Create": _CREATE,
    "Update": record({"properties": _PROPERTIES}),
    "BatchCreate": inputs(_CREATE),
    "BatchRead": record(
        {"inputs": listed(_ONE)},
        {
            "properties": listed(TEXT),
            "propertiesWithHistory": listed(TEXT),
            "idProperty": TEXT,
        },
    ),
    "BatchUpdate": inputs(
        record(
            {"id": SENT_ID, "properties": _PROPERTIES},
            {"idProperty": TEXT, "objectWriteTraceId": TEXT},
        )
    ),
    "BatchUpsert": inputs(
        record(
            {"id": SENT_ID, "idProperty": TEXT, "properties": _PROPERTIES},
            {"objectWriteTraceId": TEXT},
        )
    ),
    "BatchIds": inputs(_ONE),
    "Merge": record({"primaryObjectId": TEXT, "objectIdToMerge": TEXT}),
    "Erase": record({"objectId": TEXT}, {"idProperty": TEXT}),
    "Search": record(
        {},
        {
            "filterGroups": listed(mapped({})),
            "sorts": listed({"type": ["string", "object"]}),
            "query": TEXT,
            "properties": listed(TEXT),
            "limit": WHOLE,
            "after": {"type": ["string", "integer"]},
        },
    ),
    # Associations
    "EmptyBatch": record(
        {
            "status": {"enum": ["COMPLETE"]},
            "results": {"type": "array", "maxItems": 0},
            "startedAt": INSTANT,
            "completedAt": INSTANT,
        }
    ),
    "LabelledType": record(
        {"category": TEXT, "typeId": WHOLE, "label": {"type": ["string", "null"]}}
    ),
    "Linked": _LINKED,
    "LinkedPage": collection("Linked"),
    "LinkedBatch": batch("LinkedOf"),
    "LinkedOf": record({"from": record({"id": TEXT}), "to": listed(ref("Linked"))}),
    "Link": record(
        {
            "fromObjectTypeId": TEXT,
            "fromObjectId": WHOLE,
            "toObjectTypeId": TEXT,
            "toObjectId": WHOLE,
            "labels": listed(TEXT),
        }
    ),
    "LinkBatch": batch("Link"),
    "DefaultLink": record({"from": ref("Id"), "to": ref("Id"), "associationSpec": _SPEC}),
    "DefaultLinkBatch": batch("DefaultLink"),
    "Id": record({"id": TEXT}),
    "LinkSpecs": listed(_SPEC),
    "LinkInputs": inputs(record({"from": _ONE, "to": _ONE, "types": listed(_SPEC)})),
    "PairInputs": inputs(record({"from": _ONE, "to": _ONE})),
    "ArchivePairs": inputs(record({"from": _ONE, "to": listed(_ONE)})),
    "LinkedRead": inputs(record({"id": SENT_ID}, {"after": TEXT})),
    "NamedPairs": inputs(record({"from": _ONE, "to": _ONE, "type": TEXT})),
    "NamedPair": record({"from": ref("Id"), "to": ref("Id"), "type": TEXT}),
    "NamedPairBatch": batch("NamedPair"),
    "NamedLinksBatch": batch("NamedLinks"),
    "NamedLinks": record({"from": ref("Id"), "to": listed(ref("NamedLink"))}),
    "NamedLink": record({"id": TEXT, "type": TEXT}),
    "NamedLinkPage": collection("NamedLink"),
    "NamedTypes": collection("NamedType"),
    "NamedType": record({"id": TEXT, "name": TEXT}),
    "Labels": collection("LabelledType"),
    "LabelCreate": record({"name": TEXT, "label": TEXT}, {"inverseLabel": TEXT}),
    "LabelUpdate": record({"associationTypeId": WHOLE, "label": TEXT}, {"inverseLabel": TEXT}),
    # Definitions of properties
    "Property": record(
        {
            "name": TEXT,
            "label": TEXT,
            "type": TEXT,
            "fieldType": TEXT,
            "groupName": TEXT,
            "description": TEXT,
            "options": listed(_OPTION),
            "displayOrder": WHOLE,
            "calculated": FLAG,
            "externalOptions": FLAG,
            "hasUniqueValue": FLAG,
            "hidden": FLAG,
            "hubspotDefined": FLAG,
            "formField": FLAG,
            "archived": FLAG,
            "modificationMetadata": mapped(FLAG),
        },
        {"archivedAt": INSTANT, "referencedObjectType": TEXT},
    ),
    "Properties": collection("Property"),
    "PropertyBatch": batch("Property"),
    "PropertyCreate": _DEFINITION,
    "PropertyUpdate": record(
        {},
        {
            name: shape
            for name, shape in _DEFINITION["properties"].items()
            if name not in {"name", "hasUniqueValue"}  # they are immutable
        },
    ),
    "PropertyCreates": inputs(_DEFINITION),
    "PropertyNames": inputs(_NAMED),
    "PropertyRead": record({"inputs": listed(_NAMED)}, {"archived": FLAG}),
    "Group": record({"name": TEXT, "label": TEXT, "displayOrder": WHOLE, "archived": FLAG}),
    "Groups": collection("Group"),
    "GroupCreate": record({"name": TEXT, "label": TEXT}, {"displayOrder": WHOLE}),
    "GroupUpdate": record({}, {"label": TEXT, "displayOrder": WHOLE}),
    "Nothing": record({"results": {"type": "array", "maxItems": 0}}),
    # Pipelines
    "Pipeline": record(
        {
            "id": TEXT,
            "label": TEXT,
            "displayOrder": WHOLE,
            "stages": listed(ref("Stage")),
            "createdAt": INSTANT,
            "updatedAt": INSTANT,
            "archived": FLAG,
        }
    ),
    "Pipelines": collection("Pipeline"),
    "PipelineInput": record(_PIPELINE_FIELDS, {"pipelineId": TEXT}),
    "PipelineReplacement": record(_PIPELINE_FIELDS),
    "PipelineUpdate": record({}, {"label": TEXT, "displayOrder": WHOLE}),
    "Stage": record(
        {
            "id": TEXT,
            "label": TEXT,
            "displayOrder": WHOLE,
            "metadata": mapped(TEXT),
            "createdAt": INSTANT,
            "updatedAt": INSTANT,
            "archived": FLAG,
            "writePermissions": TEXT,
        }
    ),
    "Stages": collection("Stage"),
    "StageInput": _STAGE,
    "StageReplacement": record(_STAGE_FIELDS),
    "StageUpdate": record({}, _STAGE_FIELDS),
    "Audits": collection("Audit"),
    "Audit": record(
        {
            "portalId": WHOLE,
            "identifier": TEXT,
            "action": TEXT,
            "timestamp": INSTANT,
            "message": TEXT,
            "rawObject": TEXT,
            "fromUserId": WHOLE,
        }
    ),
    # The account
    "Owner": record(
        {
            "id": TEXT,
            "email": TEXT,
            "type": {"enum": ["PERSON", "QUEUE"]},
            "createdAt": INSTANT,
            "updatedAt": INSTANT,
            "archived": FLAG,
        },
        {"userId": WHOLE, "userIdIncludingInactive": WHOLE, "firstName": TEXT, "lastName": TEXT},
    ),
    "Owners": collection("Owner"),
    "Enablement": record({"enablement": FLAG}),
    "Enablements": record({"enablementByObjectTypeId": mapped(FLAG)}),
    "Account": record(
        {
            "portalId": WHOLE,
            "accountType": TEXT,
            "timeZone": TEXT,
            "companyCurrency": TEXT,
            "additionalCurrencies": listed(TEXT),
            "utcOffset": TEXT,
            "uiDomain": TEXT,
            "dataHostingLocation": TEXT,
        }
    ),
    "Usages": collection("Usage"),
    "Usage": record(
        {
            "name": TEXT,
            "usageLimit": WHOLE,
            "currentUsage": WHOLE,
            "collectedAt": INSTANT,
            "fetchStatus": TEXT,
            "resetsAt": INSTANT,
        }
    ),
    "TokenKey": record({"tokenKey": TEXT}),
    "TokenInfo": record({"userId": WHOLE, "hubId": WHOLE, "appId": WHOLE, "scopes": listed(TEXT)}),
}
