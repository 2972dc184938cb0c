"""References of manifests, and the records they were resolved to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from reconcile.model.address import Address, fold
from reconcile.model.definitions import Definitions
from reconcile.model.kinds import Kind
from reconcile.model.records import Reference

Pointer = tuple[str, str, str]
"""A reference without its label: (to, by, folded value)."""


def pointer(reference: Reference) -> Pointer:
    """Return what all references to the same record have in common."""
    return reference.to, reference.by, fold(reference.value)


@dataclass(frozen=True, slots=True)
class Bound:
    """The record that a reference points at: its id, or its address if the plan creates it."""

    id: str = ""
    address: Address | None = None


Bindings = Mapping[Pointer, Bound]


class Unresolved(NamedTuple):
    """Why a reference does not lead to one record, where more is known than that none was found."""

    message: str
    hint: str


def association_types(
    reference: Reference, kind: Kind, definitions: Definitions
) -> tuple[tuple[str, int], ...]:
    """Return the (category, type id) that a reference asks for; empty for an unknown label.

    It is empty also for a custom object with which the account has not one plain association.
    """
    association = kind.association(reference.to)
    if association.is_custom:
        labels = definitions.labels.get((kind.name, reference.to), ())
        plain = tuple((one.category, one.type_id) for one in labels if not one.label)
        return plain if len(plain) == 1 else ()
    if not reference.label:
        return (("HUBSPOT_DEFINED", association.type_id),)
    if reference.label in association.labels:
        return (("HUBSPOT_DEFINED", association.labels[reference.label]),)
    return tuple(
        (label.category, label.type_id)
        for label in definitions.labels.get((kind.name, reference.to), ())
        if label.label == reference.label
    )[:1]
