"""What a manifest's references point at, once the account has been asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconcile.model.address import Address, fold
from reconcile.model.definitions import Definitions
from reconcile.model.kinds import Kind
from reconcile.model.records import Reference

Pointer = tuple[str, str, str]
"""A reference without its label: (to, by, folded value)."""


def pointer(reference: Reference) -> Pointer:
    """What two references to the same record have in common."""
    return reference.to, reference.by, fold(reference.value)


@dataclass(frozen=True, slots=True)
class Bound:
    """The record a reference points at: its id, or its address when this plan creates it."""

    id: str = ""
    address: Address | None = None


Bindings = Mapping[Pointer, Bound]


def association_types(
    reference: Reference, kind: Kind, definitions: Definitions
) -> tuple[tuple[str, int], ...]:
    """The (category, type id) a reference asks for; empty for a label that does not exist."""
    association = kind.associations[reference.to]
    if not reference.label:
        return (("HUBSPOT_DEFINED", association.type_id),)
    if reference.label in association.labels:
        return (("HUBSPOT_DEFINED", association.labels[reference.label]),)
    return tuple(
        (label.category, label.type_id)
        for label in definitions.labels.get((kind.name, reference.to), ())
        if label.label == reference.label
    )[:1]
