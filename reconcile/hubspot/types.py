"""What is written, and what came of each input: exactly one answer for each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from reconcile.errors import InvalidValue
from reconcile.model.outcome import HubSpotWarning


@dataclass(frozen=True, slots=True)
class Write:
    """One record to write. ``trace`` names this input alone, within its batch.

    ``id`` is the record's id, for an upsert the value of its unique property; a create needs none.
    ``links`` are the associations to make with a create: (to id, category, type id).
    """

    trace: str
    id: str
    properties: Mapping[str, str]
    links: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records to associate or dissociate; ``types`` are (category, type id).

    Associating replaces all of the pair's labels by ``types``. Dissociating removes these types
    alone, but removing the unlabelled one removes every label with it (reference §11).
    """

    trace: str
    from_id: str
    to_id: str
    types: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Written:
    """HubSpot says it is done.

    ``id`` is the id that answered: another one than was asked for means a merged record.
    ``properties`` echo the request and prove nothing about what is stored (reference §6).
    ``new`` tells an upsert's creations from its updates; None where HubSpot did not say, or where
    an earlier attempt of the same call may have been the creator. ``warnings`` came with it.
    """

    id: str
    properties: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    new: bool | None = None
    warnings: tuple[HubSpotWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """HubSpot did not write it.

    ``ids`` are the records it names: the owner of a unique value, or those that are missing.
    ``invalid`` are the values it names, where the refusal is of this input and of no other.
    """

    message: str
    category: str = ""
    ids: tuple[str, ...] = ()
    invalid: tuple[InvalidValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Unclear:
    """The answer does not account for this input: read before doing anything more."""

    message: str


Answer: TypeAlias = Written | Refused | Unclear
