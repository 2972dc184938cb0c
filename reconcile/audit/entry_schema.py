"""The schema of an entry of the log, which refuses invalid entries when they are read."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, TypeAdapter

from reconcile.model.address import ADDRESS, Address
from reconcile.model.audit import Topic
from reconcile.stores.own_names import VALUES

_Address = Annotated[str, StringConstraints(pattern=ADDRESS)]
_Blob = Annotated[str, StringConstraints(pattern=f"^({VALUES})?$", max_length=150)]
_Detail = tuple[Topic, str, str, str]
"""What it is about, a name, a note, and the digest of the values."""


_Facts = dict[str, str | int | tuple[str, ...]]


def _check_addresses(facts: _Facts) -> _Facts:
    """Return the facts. Raise ValueError where the records that they name are not addresses."""
    named = facts.get("addresses", ())
    if not isinstance(named, tuple):
        raise ValueError("addresses are a list")  # noqa: TRY004  (pydantic takes no TypeError)
    for text in named:
        Address.parse(text)
    return facts


@dataclass(frozen=True, slots=True)
class Actor:
    """The JSON of an actor; journals use it too."""

    name: str
    source: str
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Record:
    address: _Address
    action: str
    status: str
    id: str
    parent: _Address = "/"
    flags: tuple[str, ...] = ()
    trace: str = ""
    details: tuple[_Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    format: int
    number: int
    previous: str
    id: str
    time: str
    event: str
    actor: Actor
    reason: str
    commit: str
    run: str
    facts: Annotated[_Facts, AfterValidator(_check_addresses)]
    records: tuple[_Record, ...]
    message: tuple[()] | tuple[_Detail] = ()
    values: _Blob = ""
    journal: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)


_ENTRY = TypeAdapter(_Entry)


def check_entry(body: bytes) -> None:
    """Raise ValueError for JSON that is not a valid entry."""
    _ENTRY.validate_json(body, strict=True)
