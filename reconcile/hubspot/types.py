"""Inputs of writes, and their answers: exactly one for each input."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from reconcile.errors import InvalidValue
from reconcile.model.outcome import HubSpotWarning


@dataclass(frozen=True, slots=True)
class Write:
    """One record to write. ``trace`` identifies this input within its batch.

    ``id`` is the record's id; for an upsert the value of its unique property; empty for a create.
    ``links`` are the associations that a create makes: (to id, category, type id).
    """

    trace: str
    id: str
    properties: Mapping[str, str]
    links: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records to associate or dissociate; ``types`` are (category, type id).

    Associating replaces all labels of the pair by ``types``. Dissociating removes only ``types``,
    but removing the unlabelled type removes every label with it (reference §11).
    """

    trace: str
    from_id: str
    to_id: str
    types: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Written:
    """HubSpot reports that it wrote the record.

    ``id`` is the id in the response; one that differs from the input's means a merged record.
    ``properties`` echo the request and prove nothing about what is stored (reference §6).
    ``new`` distinguishes an upsert's creates from its updates; None if HubSpot did not say, or if
    an earlier attempt of the same call may have created the record.
    """

    id: str
    properties: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    new: bool | None = None
    warnings: tuple[HubSpotWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """HubSpot did not write it.

    ``ids`` are the records it names: the holder of a unique value, or missing records.
    ``invalid`` are the values it names, if the refusal is about this input only.
    """

    message: str
    category: str = ""
    ids: tuple[str, ...] = ()
    invalid: tuple[InvalidValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Unclear:
    """The response does not account for this input: read the record before any further write."""

    message: str


Answer: TypeAlias = Written | Refused | Unclear
