"""Schemas of HubSpot's response bodies, validated on arrival.

Every field may be missing ("should be treated as optional", reference §1), unknown fields are
ignored, and ids may be numbers or text (reference §11).
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from reconcile.hubspot.error_bodies import ErrorBody
from reconcile.hubspot.error_details import MAX_REASONS, property_of, reason_of
from reconcile.model.outcome import HubSpotWarning
from reconcile.model.printable import clean


class _Body(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", coerce_numbers_to_str=True, frozen=True
    )


class VersionBody(_Body):
    """One past or present value of a property."""

    value: str | None = None
    timestamp: str | None = None
    source_type: str | None = None
    source_id: str | None = None
    source_label: str | None = None
    updated_by_user_id: str | None = None


class ObjectBody(_Body):
    """One record (SimplePublicObject); only upserts return ``new``."""

    id: str = ""
    properties: dict[str, str | None] = Field(default_factory=dict)
    archived: bool = False
    new: bool | None = None
    object_write_trace_id: str | None = None
    properties_with_history: dict[str, list[VersionBody]] | None = None
    warnings: Any = None

    @property
    def warned(self) -> tuple[HubSpotWarning, ...]:
        """The first few warnings; a malformed one never hides the record."""
        listed = self.warnings if isinstance(self.warnings, list) else ()
        said = (
            HubSpotWarning(clean(property_of(one), 100), clean(reason_of(one)))
            for one in listed
            if isinstance(one, Mapping)
        )
        found = [one for one in dict.fromkeys(said) if one.text]
        more = len(found) - MAX_REASONS
        if more > 0:
            found[MAX_REASONS:] = [HubSpotWarning("", f"and {more:,} more")]
        return tuple(found)


class BatchBody(_Body):
    """The common part of object and association batches: errors beside results, any status."""

    status: str | None = None
    num_errors: int | None = None
    errors: list[ErrorBody] | None = None


class ObjectsBody(BatchBody):
    """Response of batch read, create, update and upsert."""

    results: list[ObjectBody] | None = None


class OptionBody(_Body):
    """One value of an enumeration."""

    value: str = ""
    label: str | None = None


class ModificationBody(_Body):
    """What may be changed in a property."""

    read_only_value: bool = False


class PropertyBody(_Body):
    """A property definition."""

    name: str = ""
    label: str | None = None
    type: str = "string"
    field_type: str | None = None
    options: list[OptionBody] | None = None
    external_options: bool | None = None
    calculated: bool | None = None
    archived: bool | None = None
    has_unique_value: bool | None = None
    data_sensitivity: str | None = None
    modification_metadata: ModificationBody | None = None
    referenced_object_type: str | None = None


class PropertiesBody(_Body):
    """All property definitions of an object."""

    results: list[PropertyBody] | None = None


class GroupBody(_Body):
    """A property group."""

    name: str = ""
    archived: bool | None = None


class GroupsBody(_Body):
    """All property groups of an object."""

    results: list[GroupBody] | None = None


class StageBody(_Body):
    """A pipeline's stage."""

    id: str = ""
    label: str | None = None
    archived: bool | None = None


class PipelineBody(_Body):
    """A pipeline with its stages."""

    id: str = ""
    label: str | None = None
    archived: bool | None = None
    stages: list[StageBody] | None = None


class PipelinesBody(_Body):
    """All pipelines of an object."""

    results: list[PipelineBody] | None = None


class LabelBody(_Body):
    """An association type between two objects, or of one pair of records."""

    category: str = ""
    type_id: int = 0
    label: str | None = None


class LabelsBody(_Body):
    """All association types between two objects."""

    results: list[LabelBody] | None = None


class AccountBody(_Body):
    """Account details."""

    portal_id: int
    account_type: str = ""
    time_zone: str | None = None
    company_currency: str | None = None
    additional_currencies: tuple[str, ...] | None = None


class UsageItemBody(_Body):
    """One daily counter."""

    usage_limit: int | None = None
    current_usage: int | None = None
    fetch_status: str | None = None
    resets_at: str | None = None


class UsageBody(_Body):
    """The daily counters of private apps."""

    results: list[UsageItemBody] | None = None


class TokenBody(_Body):
    """Details of a private app's token."""

    scopes: list[str] | None = None


class IdBody(_Body):
    """A record's id, alone."""

    id: str = ""


class NextBody(_Body):
    """The cursor of the next page."""

    after: str | None = None


class PagingBody(_Body):
    """The paging part of a response; present only if there are more pages."""

    next: NextBody | None = None


class OwnerBody(_Body):
    """An owner of records; its id differs from its user's id.

    An owner whose user left has that id in ``user_id_including_inactive`` only.
    """

    id: str = ""
    email: str | None = None
    user_id: str | None = None
    user_id_including_inactive: str | None = None


class OwnersBody(_Body):
    """A page of owners."""

    results: list[OwnerBody] | None = None
    paging: PagingBody | None = None


class LinkedBody(_Body):
    """The other end of an association, with every type the pair has."""

    to_object_id: str = ""
    association_types: list[LabelBody] | None = None


class LinksOfBody(_Body):
    """A page of one record's associations, in a batch."""

    from_: IdBody | None = Field(default=None, alias="from")
    to: list[LinkedBody] | None = None
    paging: PagingBody | None = None


class LinksPageBody(_Body):
    """A page of one record's associations, read alone."""

    results: list[LinkedBody] | None = None
    paging: PagingBody | None = None


class LinksBody(BatchBody):
    """Response of an association batch read."""

    results: list[LinksOfBody] | None = None


class SearchBody(_Body):
    """A page of search results; ``total`` counts those of all pages."""

    total: int | None = None
    results: list[ObjectBody] | None = None
    paging: PagingBody | None = None


class PairBody(_Body):
    """One created association."""

    from_object_id: str = ""
    to_object_id: str = ""


class PairsBody(BatchBody):
    """Response of an association batch create."""

    results: list[PairBody] | None = None
