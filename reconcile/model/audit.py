"""The nouns of the audit log: what happened, who did it and why, and what became of each record."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from reconcile.model.address import Address

Fact = str | int | tuple[str, ...]
Facts = Mapping[str, Fact]
"""What is told of an event beside its records. Never a record's values: facts cannot be erased."""


class Head(NamedTuple):
    """How far the log goes: the number of its last entry, from 1, and that entry's hash."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as far as the machine knows.

    ``source`` is where ``name`` is from: ``oidc-unverified`` (GitHub's identity token, whose
    signature was not checked), ``github``, ``gitlab``, ``git`` or ``os``. ``facts`` are further
    names, such as the repository and the job's id.
    """

    name: str
    source: str
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Origin:
    """Who did something, why (``--reason``), and from which commit; the last two may be empty.

    Of what carries out or refuses a plan, an entry has the commit of the plan.
    """

    actor: Actor
    reason: str = ""
    commit: str = ""


class Span(NamedTuple):
    """Which lines of a run's journal an entry was written from.

    They are those from ``start`` up to, not with, ``stop``. What is known of their records after
    the last of them can fill several entries: this one has those from ``first`` up to, not with,
    ``last``, of ``total``.
    """

    start: int
    stop: int
    first: int
    last: int
    total: int

    @property
    def complete(self) -> bool:
        """Whether the log has all that these lines say."""
        return self.last == self.total


BEGUN = "begun"
"""Instead of an outcome: a write was about to be sent, and nothing more is known of it yet."""
WRITTEN = "written"
"""Instead of an outcome: HubSpot has the record's values; its associations are still to be made.

As a mark, beside an outcome: the record was written all the same.
"""
NOT_NEEDED = "not needed"
"""As a mark, and how a change ended of which nothing was sent: the record was so already."""


class Topic(StrEnum):
    """What a detail is about."""

    FIELD = "field"
    LINK = "link"
    REWRITE = "rewrite"
    OVERWRITE = "overwrite"
    WARNING = "warning"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing about a record. ``values`` may be personal, and are None where they are not there.

    ``erased`` says that a redaction in the log explains that; otherwise they are missing.

    - field: ``name`` is the property, ``note`` the reason it differed, ``values`` before and after
      on the wire, then as people read them where that differs
    - link: ``name`` is the object at the other end, ``note`` ``add`` or ``remove``, ``values`` the
      other end and the types
    - rewrite: ``name`` is the property, ``values`` what we sent and what HubSpot stored
    - overwrite: ``name`` is the property, empty where HubSpot did not show its history; ``note`` is
      what had set the value that our write overwrote unseen, and when; ``values`` that and ours
    - warning: ``name`` is the property, empty where it names none, ``values`` HubSpot's text
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
    """What became of one record.

    ``action`` and ``status`` are the outcome's, but for a ``status`` of ``begun`` or ``written``;
    ``marks`` say what was special about the change (``adopts``, ``rekey``, ``recreates``) and of
    its end (``written``: the record was written, and what it came to failed or was found out after
    that; ``not needed``: nothing was written, as somebody else had made the change); ``trace`` is
    the ``objectWriteTraceId`` of the write.
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
    """Something to put into the log. ``message`` may quote values, ``facts`` must not.

    ``id`` is one for all entries of the event, made where it is empty. ``journal`` says from which
    lines of the run's journal the records are, and how many of these the log has already.
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

    ``time`` is ISO 8601 in UTC, ``values`` the blob with the values, empty where there are none.
    ``journal`` says from which lines of its run's journal it was written.
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
    """An event as the log's list tells it: its first entry, and its records in numbers.

    ``counts`` are by action, kind and status; ``records`` only those that were asked for.
    """

    first: Entry
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    records: list[RecordEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not add up in the log. ``time`` is empty where no entry tells it."""

    number: int
    time: str
    what: str
    address: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification came to.

    ``values`` counts the values that match their digests; ``erased`` the records whose values a
    redaction took away and ``erased_in`` the entries that had them, ``missing`` the records and
    events whose values are not there with no redaction to explain it (findings name them),
    ``kept`` those whose values are there though a redaction says otherwise. ``against_state``
    says whether the state knew how long the log must be.
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
    """Where values of one record lie: blobs, and how many values in them.

    ``children`` are the records under it, which have values of their own.
    """

    address: Address
    blobs: tuple[str, ...]
    values: int
    children: tuple[Address, ...]
