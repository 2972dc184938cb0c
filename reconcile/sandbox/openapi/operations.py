"""What each handler takes and answers: its query, its body, its answers by status.

Kept by handler, so that one entry serves every path and version that the handler answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.sandbox import (
    account_api,
    associations_api,
    associations_batch_api,
    associations_v3_api,
    erasing_api,
    labels_api,
    object_library_api,
    objects_api,
    objects_batch_api,
    owners_api,
    pipelines_api,
    properties_api,
    property_validations_api,
    search_api,
    stages_api,
)
from reconcile.sandbox.calls import Call, Reply
from reconcile.sandbox.openapi.shapes import FLAG, TEXT, listed

QUERY: dict[str, dict[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1},
    "after": {"type": "string", "pattern": "^[0-9]{1,15}$"},
    "properties": listed(TEXT),
    "propertiesWithHistory": listed(TEXT),
    "associations": listed(TEXT),
    "archived": FLAG,
    "idProperty": TEXT,
    "dataSensitivity": TEXT,
    "email": TEXT,
    "validateReferencesBeforeDelete": FLAG,
    "validateDealStageUsagesBeforeDelete": FLAG,
}


@dataclass(frozen=True)
class Operation:
    """What one handler takes and answers; a shape of None is an answer without a body."""

    answers: Mapping[int, str | None]
    body: str | None = None
    query: tuple[str, ...] = ()
    largest_page: int = 100


_READ = ("properties", "propertiesWithHistory", "associations", "archived")
_PAGE = ("limit", "after")
_IN_USE = ("validateReferencesBeforeDelete", "validateDealStageUsagesBeforeDelete")
_GONE: dict[int, str | None] = {204: None}
_GONE_DATED: dict[int, str | None] = {200: "EmptyBatch", **_GONE}


def _batch(status: int, shape: str) -> dict[int, str | None]:
    """Answers of a batch: the same shape, whole or in part."""
    return {status: shape, 207: shape}


OPERATIONS: dict[Callable[[Call], Reply], Operation] = {
    objects_api.list_page: Operation({200: "Objects"}, query=(*_PAGE, *_READ)),
    objects_api.create: Operation({201: "Object"}, "Create"),
    objects_api.read: Operation({200: "Object"}, query=(*_READ, "idProperty")),
    objects_api.update: Operation({200: "Object"}, "Update", ("idProperty",)),
    objects_api.archive: Operation(_GONE),
    objects_api.merge: Operation({200: "Object"}, "Merge"),
    search_api.search: Operation({200: "Objects"}, "Search"),
    erasing_api.erase: Operation(_GONE, "Erase"),
    objects_batch_api.create: Operation(_batch(201, "ObjectBatch"), "BatchCreate"),
    objects_batch_api.read: Operation(_batch(200, "ObjectBatch"), "BatchRead", ("archived",)),
    objects_batch_api.update: Operation(_batch(200, "ObjectBatch"), "BatchUpdate"),
    objects_batch_api.upsert: Operation(_batch(200, "UpsertedBatch"), "BatchUpsert"),
    objects_batch_api.archive: Operation(_GONE, "BatchIds"),
    associations_api.list_links: Operation({200: "LinkedPage"}, query=_PAGE, largest_page=500),
    associations_api.put: Operation({201: "Link"}, "LinkSpecs"),
    associations_api.put_default: Operation({200: "DefaultLinkBatch"}),
    associations_api.delete: Operation(_GONE),
    associations_api.list_labels: Operation({200: "Labels"}),
    associations_api.create_label: Operation({200: "Labels"}, "LabelCreate"),
    labels_api.update: Operation(_GONE, "LabelUpdate"),
    labels_api.delete: Operation(_GONE),
    associations_batch_api.create: Operation(_batch(201, "LinkBatch"), "LinkInputs"),
    associations_batch_api.read: Operation(_batch(200, "LinkedBatch"), "LinkedRead"),
    associations_batch_api.archive: Operation(_GONE, "ArchivePairs"),
    associations_batch_api.archive_dated: Operation(_GONE_DATED, "ArchivePairs"),
    associations_batch_api.archive_labels: Operation(_GONE, "LinkInputs"),
    associations_batch_api.archive_labels_dated: Operation(_GONE_DATED, "LinkInputs"),
    associations_batch_api.associate_default: Operation({200: "DefaultLinkBatch"}, "PairInputs"),
    associations_v3_api.batch_create: Operation(_batch(201, "NamedPairBatch"), "NamedPairs"),
    associations_v3_api.batch_read: Operation(_batch(200, "NamedLinksBatch"), "LinkedRead"),
    associations_v3_api.batch_archive: Operation(_GONE, "NamedPairs"),
    associations_v3_api.list_types: Operation({200: "NamedTypes"}),
    associations_v3_api.list_links: Operation(
        {200: "NamedLinkPage"}, query=("limit",), largest_page=500
    ),
    associations_v3_api.put: Operation({200: "Object"}),
    associations_v3_api.delete: Operation(_GONE),
    properties_api.list_all: Operation(
        {200: "Properties"}, query=("archived", "dataSensitivity", "properties")
    ),
    properties_api.read: Operation({200: "Property"}, query=("archived",)),
    properties_api.create: Operation({201: "Property"}, "PropertyCreate"),
    properties_api.update: Operation({200: "Property"}, "PropertyUpdate"),
    properties_api.archive: Operation(_GONE),
    properties_api.batch_read: Operation(_batch(200, "PropertyBatch"), "PropertyRead"),
    properties_api.batch_create: Operation(_batch(201, "PropertyBatch"), "PropertyCreates"),
    properties_api.batch_archive: Operation(_GONE, "PropertyNames"),
    properties_api.list_groups: Operation({200: "Groups"}),
    properties_api.read_group: Operation({200: "Group"}),
    properties_api.create_group: Operation({201: "Group"}, "GroupCreate"),
    properties_api.update_group: Operation({200: "Group"}, "GroupUpdate"),
    properties_api.archive_group: Operation(_GONE),
    property_validations_api.list_all: Operation({200: "Nothing"}),
    property_validations_api.list_rules: Operation({200: "Nothing"}),
    property_validations_api.read_rule: Operation({}),
    pipelines_api.list_all: Operation({200: "Pipelines"}),
    pipelines_api.read: Operation({200: "Pipeline"}),
    pipelines_api.create: Operation({201: "Pipeline"}, "PipelineInput"),
    pipelines_api.update: Operation({200: "Pipeline"}, "PipelineUpdate", _IN_USE),
    pipelines_api.replace: Operation({200: "Pipeline"}, "PipelineReplacement", _IN_USE),
    pipelines_api.delete: Operation(_GONE, query=_IN_USE),
    pipelines_api.audit: Operation({200: "Audits"}),
    stages_api.list_all: Operation({200: "Stages"}),
    stages_api.read: Operation({200: "Stage"}),
    stages_api.create: Operation({201: "Stage"}, "StageInput"),
    stages_api.update: Operation({200: "Stage"}, "StageUpdate"),
    stages_api.replace: Operation({200: "Stage"}, "StageReplacement"),
    stages_api.delete: Operation(_GONE, query=_IN_USE),
    stages_api.audit: Operation({200: "Audits"}),
    owners_api.list_page: Operation(
        {200: "Owners"}, query=(*_PAGE, "archived", "email"), largest_page=500
    ),
    owners_api.read: Operation({200: "Owner"}, query=("archived", "idProperty")),
    object_library_api.list_all: Operation({200: "Enablements"}),
    object_library_api.read: Operation({200: "Enablement"}),
    account_api.details: Operation({200: "Account"}),
    account_api.daily_usage: Operation({200: "Usages"}),
    account_api.token_info: Operation({200: "TokenInfo"}, "TokenKey"),
}
