"""Bodies of the association endpoints: the pair they name, the links they show (ref §5, §11)."""

from typing import Any

from reconcile.sandbox.api_errors import VALIDATION, ApiError, invalid
from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.rules.association_checks import check_pair, check_primary, existing_end
from reconcile.sandbox.scopes import object_scope
from reconcile.sandbox.storage import association_tables as store
from reconcile.sandbox.storage.association_tables import End, Link
from reconcile.sandbox.storage.association_types import AssociationType

CREATE_LIMIT = 2_000  # ref §3, H
READ_LIMIT = 1_000
PAGE = 500  # the default and the most (ref §3, H)


def pair_of_kinds(call: Call, access: str) -> tuple[ObjectType, ObjectType]:
    """Return the two object types of the path. Raise ApiError without access to them."""
    start, end = call.kind, call.kind_of(call.params["to_type"])
    needs_both = access == "read" or call.switches.association_write_needs == "both"
    kinds = {start.id: start, end.id: end} if needs_both else {start.id: start}
    call.allow(*(object_scope(kind, access) for kind in kinds.values()))
    return start, end


def pair_of_records(
    call: Call, kinds: tuple[ObjectType, ObjectType], texts: tuple[str, str]
) -> tuple[End, End]:
    """Find the two records of a pair and check that they may be linked."""
    start, end = (_end(call, kind, text) for kind, text in zip(kinds, texts, strict=True))
    check_pair(call, start, end)
    return start, end


def link(call: Call, start: End, end: End, kinds: list[AssociationType]) -> dict[str, Any]:
    """Link two records by these types and no others, and return the pair with its labels."""
    check_primary(call, start, end, kinds)
    store.set_types(call.connection, start, end, kinds, call.now)
    return {
        "fromObjectTypeId": start.type_id,
        "fromObjectId": start.id,
        "toObjectTypeId": end.type_id,
        "toObjectId": end.id,
        "labels": [kind.label for kind in kinds if kind.label],
    }


def link_default(call: Call, start: End, end: End) -> list[dict[str, Any]]:
    """Add the unlabelled link to the labels of a pair, and return it in both directions."""
    default = store.default_type(call.connection, start.type_id, end.type_id)
    if default is None:
        raise invalid(f"{start.type_id} cannot be associated with {end.type_id}")
    store.add_types(call.connection, start, end, [default], call.now)
    return [
        {
            "from": {"id": str(one.id)},
            "to": {"id": str(other.id)},
            "associationSpec": {
                "associationCategory": default.category,
                "associationTypeId": type_id,
            },
        }
        for one, other, type_id in (
            (start, end, default.type_id),
            (end, start, default.inverse_id),
        )
    ]


def shown_links(links: list[Link]) -> list[dict[str, Any]]:
    """Return links as the API shows them; toObjectId is a JSON number, not text (ref §11, H)."""
    return [
        {
            "toObjectId": link.to_id,
            "associationTypes": [
                {"category": kind.category, "typeId": kind.type_id, "label": kind.label}
                for kind in link.types
            ],
        }
        for link in links
    ]


def no_associations(start: ObjectType, end: ObjectType, text: str) -> ApiError:
    """Return the error for a record without links, as several public code bases quote it."""
    return ApiError(
        404,
        f"No {end.singular} is associated with {start.singular} {text}.",
        category="OBJECT_NOT_FOUND",
        sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
        context={
            "fromObjectId": [text],
            "fromObjectType": [start.singular],
            "toObjectType": [end.singular],
        },
    )


def _end(call: Call, kind: ObjectType, text: str) -> End:
    found = existing_end(call, kind, text)
    if found is None:
        raise ApiError(
            400,
            f"{text} is not a valid ID",
            category=VALIDATION,
            sub_category="crm.associations.INVALID_IDENTIFIER",
            context={"id": [text]},
        )
    return found
