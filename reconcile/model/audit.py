"""The audit log's events and entries: what happened, who did it and why, and to which records."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from reconcile.model.address import Address

Fact = str | int | tuple[str, ...]
Facts = Mapping[str, Fact]
"""Details of an event, apart from its records. They cannot be erased, so they hold no values."""


class Head(NamedTuple):
    """The end of the log: the number of its last entry, counted from 1, and that entry's hash."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as far as this machine knows.

    ``source`` is where ``name`` comes from: ``oidc-unverified`` (GitHub's identity token, whose
    signature was not checked), ``github``, ``gitlab``, ``git`` or ``os``. ``facts`` are further
    names, such as the repository and the job's id.
    """

    name: str
    source: str
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Origin:
    """Who did something, why (``--reason``), and from which commit; the last two may be empty.

    For an event about a plan, ``commit`` is the plan's.
    """

    actor: Actor
    reason: str = ""
    commit: str = ""


class Span(NamedTuple):
    """The lines of a run's journal that an entry was written from: ``start`` up to ``stop``.

    ``stop`` is not included. The records of these lines can fill several entries; this one has
    those from ``first`` up to ``last``, not included, of ``total``.
    """

    start: int
    stop: int
    first: int
    last: int
    total: int

    @property
    def complete(self) -> bool:
        """Whether the log has all records of these lines."""
        return self.last == self.total


BEGUN = "begun"
"""In place of an outcome: a write was about to be sent; nothing more is known of it yet."""
WRITTEN = "written"
"""In place of an outcome: HubSpot has the record's values; its associations are still to be made.

As a flag beside an outcome: the record was written, although the change did not end as done.
"""
NOT_NEEDED = "not needed"
"""As a flag: nothing was sent, since the record already was as planned."""


class Topic(StrEnum):
    """The subject of a detail."""

    FIELD = "field"
    LINK = "link"
    REWRITE = "rewrite"
    OVERWRITE = "overwrite"
    WARNING = "warning"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail about a record. ``values`` may be personal, and are None if they are not stored.

    ``erased`` is true if a redaction in the log explains that; otherwise they are missing.

    - field: ``name`` is the property, ``note`` the reason it differed, ``values`` before and after
      on the wire, then as people read them if that differs
    - link: ``name`` is the object at the other end, ``note`` ``add`` or ``remove``, ``values`` the
      other end and the types
    - rewrite: ``name`` is the property, ``values`` the sent and the stored value
    - overwrite: ``name`` is the property, empty if HubSpot did not show its history; ``note`` is
      what had set the overwritten value, and when; ``values`` are that value and ours
    - warning: ``name`` is the property, empty if it names none, ``values`` HubSpot's text
    - message: ``values`` is the text
    """

    topic: Topic
    name: str = ""
    note: str = ""
    values: tuple[str, ...] | None = None
    personal: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class RecordEntry:
    """The outcome of one record's change.

    ``action`` and ``status`` are the outcome's, or ``status`` is ``begun`` or ``written``.
    ``flags`` are those of the change (``adopts``, ``rekey``, ``recreates``, ``foreign``) and of its
    end: ``written`` if the change failed after the record had been written, ``not needed`` if
    nothing was written because somebody else had made the change. ``trace`` is the
    ``objectWriteTraceId`` of the write.
    """

    address: Address
    action: str
    status: str
    id: str = ""
    parent: Address | None = None
    flags: tuple[str, ...] = ()
    trace: str = ""
    details: tuple[Detail, ...] = ()

    @property
    def end(self) -> str:
        """How the change ended: ``failed``, or ``written, then failed``, or ``not needed``."""
        if NOT_NEEDED in self.flags:
            return NOT_NEEDED
        return f"written, then {self.status}" if WRITTEN in self.flags else self.status


@dataclass(frozen=True, slots=True)
class Event:
    """An event to log. ``message`` may quote values, ``facts`` must not.

    ``id`` is shared by all entries of the event; an empty one is replaced by a new one. ``journal``
    is the span of the run's journal that the records come from, and how many of them the log has.
    """

    event: str
    origin: Origin
    run: str = ""
    facts: Facts = field(default_factory=lambda: MappingProxyType({}))
    message: str = ""
    records: Iterable[RecordEntry] = ()
    id: str = ""
    journal: Span | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the log. An event with many records has several, all with its ``id``.

    ``time`` is ISO 8601 in UTC, ``values`` the blob with the values, empty if there are none.
    ``journal`` is the span of its run's journal that it was written from.
    """

    number: int
    time: str
    id: str
    event: str
    origin: Origin
    run: str
    facts: Facts
    message: Detail | None
    records: tuple[RecordEntry, ...]
    values: str
    journal: Span | None = None


@dataclass(slots=True)
class Summary:
    """An event in the list of the log: its first entry, and the numbers of its records.

    ``counts`` are by action, kind and status; ``records`` are only those that were asked for.
    """

    first: Entry
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    records: list[RecordEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Finding:
    """An inconsistency in the log. ``time`` is empty if no entry has it."""

    number: int
    time: str
    what: str
    address: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a verification.

    ``values`` counts the values that match their digests; ``erased`` the records whose values were
    redacted, and ``erased_in`` the entries that had them; ``missing`` the records and events whose
    values are missing without a redaction (findings name them). ``kept`` names those whose values
    still exist despite a redaction. ``against_state`` is true if the state knew the log's length.
    """

    entries: int
    records: int
    first: str
    last: str
    values: int
    erased: int
    erased_in: int
    missing: int
    kept: tuple[str, ...]
    against_state: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class StoredValues:
    """The stored values of one record: their number, and the blobs that hold them.

    ``children`` are the records under it, which have stored values of their own.
    """

    address: Address
    blobs: tuple[str, ...]
    values: int
    children: tuple[Address, ...]
