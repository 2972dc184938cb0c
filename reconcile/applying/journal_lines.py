"""The lines of a journal: their checksum and their schema, by which a damaged line is refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, StringConstraints, TypeAdapter, ValidationError

from reconcile.audit.entry_schema import Actor
from reconcile.model.address import ADDRESS
from reconcile.model.outcome import Status
from reconcile.model.plan import Action
from reconcile.model.sealed_json import seal, unseal

_Address = Annotated[str, StringConstraints(pattern=ADDRESS)]


@dataclass(frozen=True, slots=True)
class _Run:
    about: Literal["run"]
    format: int
    run: str
    plan: str
    content: str
    portal_id: int
    who: str
    since: str
    total: NonNegativeInt
    allow: tuple[str, ...]
    audit: NonNegativeInt
    actor: Actor
    reason: str
    commit: str


@dataclass(frozen=True, slots=True)
class _Resumed:
    about: Literal["resumed"]
    since: str
    allow: tuple[str, ...]
    actor: Actor
    reason: str
    commit: str


@dataclass(frozen=True, slots=True)
class _Recovery:
    about: Literal["recovery"]
    since: str
    by: str
    actor: Actor
    reason: str
    commit: str


@dataclass(frozen=True, slots=True)
class _Intent:
    """For each record: its address, its unit's address, its id, the trace id of the write."""

    about: Literal["intent"]
    call: str
    number: int
    records: tuple[tuple[_Address, _Address, str, str], ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    """For each record: its address, the answer, its id, its status, whether the write was late."""

    about: Literal["answer"]
    number: int
    records: tuple[tuple[_Address, str, str, Status | Literal[""], bool], ...]


_Overwrite = tuple[str, str, str, str, bool]
_Rewrite = tuple[str, str, str, bool]
_Warned = tuple[str, str, bool]
_Explained = tuple[str, str, str, NonNegativeInt, NonNegativeInt]


@dataclass(frozen=True, slots=True)
class _Overwrote:
    about: Literal["overwrote"]
    records: tuple[tuple[_Address, tuple[_Overwrite, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """For each record: its address, and the properties that were found as planned."""

    about: Literal["found"]
    records: tuple[tuple[_Address, tuple[str, ...]], ...]


_Outcome = tuple[
    _Address,
    Action,
    Status,
    str,
    str,
    tuple[_Rewrite, ...],
    tuple[str, ...],
    bool,
    bool,
    tuple[_Warned, ...],
    tuple[_Explained, ...],
]


@dataclass(frozen=True, slots=True)
class _Outcomes:
    about: Literal["outcomes"]
    records: tuple[_Outcome, ...]


@dataclass(frozen=True, slots=True)
class _NotApplied:
    about: Literal["not_applied"]
    why: str
    records: tuple[_Address, ...]


@dataclass(frozen=True, slots=True)
class _Written:
    about: Literal["written"]
    records: tuple[tuple[_Address, str], ...]


@dataclass(frozen=True, slots=True)
class _Plain:
    about: Literal["resolved", "audited"]


@dataclass(frozen=True, slots=True)
class _End:
    about: Literal["end"]
    why: str


_Any = (
    _Run
    | _Resumed
    | _Recovery
    | _Intent
    | _Answer
    | _Overwrote
    | _Found
    | _Outcomes
    | _NotApplied
    | _Written
    | _Plain
    | _End
)
_LINE: TypeAdapter[_Any] = TypeAdapter(Annotated[_Any, Field(discriminator="about")])


@dataclass(frozen=True, slots=True)
class _First:
    """The part of a first line that every format has."""

    about: Literal["run"]
    format: int


_FIRST = TypeAdapter(_First)


def format_of(line: bytes) -> int | None:
    """Return the format of the journal that begins with a line; None for any other line."""
    try:
        return _FIRST.validate_json(line, strict=True).format
    except ValidationError:
        return None


def encode_line(run: str, position: int, entry: Mapping[str, Any]) -> bytes:
    """Return the line with these fields, and a checksum, for a position of the run's journal."""
    return seal(entry, run, str(position))


def read_line(run: str, position: int, line: bytes) -> Mapping[str, Any]:
    """Return a line's fields. Raises ValueError for a line that no run writes there."""
    body = unseal(line, run, str(position))
    _LINE.validate_json(body, strict=True)
    entry: dict[str, Any] = json.loads(body)
    return entry
