"""What each handler accepts and answers: its query, its body, its answers by status.

Kept by handler, so that one entry serves every path and version that the handler answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.sandbox.api import (
    account,
    association_labels,
    associations,
    associations_batch,
    associations_v3,
    merge_and_erase,
    object_library,
    objects,
    objects_batch,
    owners,
    pipeline_stages,
    pipelines,
    properties,
    property_validations,
    search,
)
from reconcile.sandbox.openapi.body_shapes import FLAG, TEXT, listed
from reconcile.sandbox.rules.api_call import Call, Reply

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
    """What one handler accepts and answers; a shape of None is an answer without a body."""

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
    objects.list_page: Operation({200: "Objects"}, query=(*_PAGE, *_READ)),
    objects.create: Operation({201: "Object"}, "Create"),
    objects.read: Operation({200: "Object"}, query=(*_READ, "idProperty")),
    objects.update: Operation({200: "Object"}, "Update", ("idProperty",)),
    objects.archive: Operation(_GONE),
    merge_and_erase.merge: Operation({200: "Object"}, "Merge"),
    search.search: Operation({200: "Objects"}, "Search"),
    merge_and_erase.erase: Operation(_GONE, "Erase"),
    objects_batch.create: Operation(_batch(201, "ObjectBatch"), "BatchCreate"),
    objects_batch.read: Operation(_batch(200, "ObjectBatch"), "BatchRead", ("archived",)),
    objects_batch.update: Operation(_batch(200, "ObjectBatch"), "BatchUpdate"),
    objects_batch.upsert: Operation(_batch(200, "UpsertedBatch"), "BatchUpsert"),
    objects_batch.archive: Operation(_GONE, "BatchIds"),
    associations.list_links: Operation({200: "LinkedPage"}, query=_PAGE, largest_page=500),
    associations.put: Operation({201: "Link"}, "LinkSpecs"),
    associations.put_default: Operation({200: "DefaultLinkBatch"}),
    associations.delete: Operation(_GONE),
    associations.list_labels: Operation({200: "Labels"}),
    associations.create_label: Operation({200: "Labels"}, "LabelCreate"),
    association_labels.update: Operation(_GONE, "LabelUpdate"),
    association_labels.delete: Operation(_GONE),
    associations_batch.create: Operation(_batch(201, "LinkBatch"), "LinkInputs"),
    associations_batch.read: Operation(_batch(200, "LinkedBatch"), "LinkedRead"),
    associations_batch.archive: Operation(_GONE, "ArchivePairs"),
    associations_batch.archive_dated: Operation(_GONE_DATED, "ArchivePairs"),
    associations_batch.archive_labels: Operation(_GONE, "LinkInputs"),
    associations_batch.archive_labels_dated: Operation(_GONE_DATED, "LinkInputs"),
    associations_batch.associate_default: Operation({200: "DefaultLinkBatch"}, "PairInputs"),
    associations_v3.batch_create: Operation(_batch(201, "NamedPairBatch"), "NamedPairs"),
    associations_v3.batch_read: Operation(_batch(200, "NamedLinksBatch"), "LinkedRead"),
    associations_v3.batch_archive: Operation(_GONE, "NamedPairs"),
    associations_v3.list_types: Operation({200: "NamedTypes"}),
    associations_v3.list_links: Operation(
        {200: "NamedLinkPage"}, query=("limit",), largest_page=500
    ),
    associations_v3.put: Operation({200: "Object"}),
    associations_v3.delete: Operation(_GONE),
    properties.list_all: Operation(
        {200: "Properties"}, query=("archived", "dataSensitivity", "properties")
    ),
    properties.read: Operation({200: "Property"}, query=("archived",)),
    properties.create: Operation({201: "Property"}, "PropertyCreate"),
    properties.update: Operation({200: "Property"}, "PropertyUpdate"),
    properties.archive: Operation(_GONE),
    properties.batch_read: Operation(_batch(200, "PropertyBatch"), "PropertyRead"),
    properties.batch_create: Operation(_batch(201, "PropertyBatch"), "PropertyCreates"),
    properties.batch_archive: Operation(_GONE, "PropertyNames"),
    properties.list_groups: Operation({200: "Groups"}),
    properties.read_group: Operation({200: "Group"}),
    properties.create_group: Operation({201: "Group"}, "GroupCreate"),
    properties.update_group: Operation({200: "Group"}, "GroupUpdate"),
    properties.archive_group: Operation(_GONE),
    property_validations.list_all: Operation({200: "Nothing"}),
    property_validations.list_rules: Operation({200: "Nothing"}),
    property_validations.read_rule: Operation({}),
    pipelines.list_all: Operation({200: "Pipelines"}),
    pipelines.read: Operation({200: "Pipeline"}),
    pipelines.create: Operation({201: "Pipeline"}, "PipelineInput"),
    pipelines.update: Operation({200: "Pipeline"}, "PipelineUpdate", _IN_USE),
    pipelines.replace: Operation({200: "Pipeline"}, "PipelineReplacement", _IN_USE),
    pipelines.delete: Operation(_GONE, query=_IN_USE),
    pipelines.audit: Operation({200: "Audits"}),
    pipeline_stages.list_all: Operation({200: "Stages"}),
    pipeline_stages.read: Operation({200: "Stage"}),
    pipeline_stages.create: Operation({201: "Stage"}, "StageInput"),
    pipeline_stages.update: Operation({200: "Stage"}, "StageUpdate"),
    pipeline_stages.replace: Operation({200: "Stage"}, "StageReplacement"),
    pipeline_stages.delete: Operation(_GONE, query=_IN_USE),
    pipeline_stages.audit: Operation({200: "Audits"}),
    owners.list_page: Operation(
        {200: "Owners"}, query=(*_PAGE, "archived", "email"), largest_page=500
    ),
    owners.read: Operation({200: "Owner"}, query=("archived", "idProperty")),
    object_library.list_all: Operation({200: "Enablements"}),
    object_library.read: Operation({200: "Enablement"}),
    account.details: Operation({200: "Account"}),
    account.daily_usage: Operation({200: "Usages"}),
    account.token_info: Operation({200: "TokenInfo"}, "TokenKey"),
}
